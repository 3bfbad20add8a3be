"""Points of edwards25519 by the formulas of RFC 8032 §5.1, to make signatures that no signer should make.

For vectors and tests; never with a key that matters, as nothing here takes constant time.
"""

from __future__ import annotations

from hashlib import sha512

Point = tuple[int, int]

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NEUTRAL: Point = (0, 1)


def add(one: Point, other: Point) -> Point:
    """The sum of two points (§5.1.4, in affine form)."""
    (x1, y1), (x2, y2) = one, other
    k = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def multiply(scalar: int, point: Point) -> Point:
    """The point added to itself so many times."""
    total = NEUTRAL
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def lift(y: int) -> Point | None:
    """A point with this y, if there is one (§5.1.3)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * pow(2, (P - 1) // 4, P) % P):
        if x * x % P == square:
            return x, y
    return None


def encode(point: Point) -> bytes:
    """The 32 bytes of a point (§5.1.2)."""
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def base() -> Point:
    """The generator B: y is 4/5 and x is even (§5.1)."""
    point = lift(4 * pow(5, -1, P) % P)
    assert point is not None
    return point if point[0] % 2 == 0 else (P - point[0], point[1])


def small_order() -> set[Point]:
    """The eight points whose order divides the cofactor: L times any point is one, a few give all."""
    lifted = [point for point in map(lift, range(2, 40)) if point is not None]
    both = lifted + [(P - x, y) for x, y in lifted]
    return {multiply(L, point) for point in both}


def sign_with_small_order(seed: bytes, text: bytes, extra: Point) -> bytes:
    """A signature (§5.1.6) to whose R a point of small order is added.

    It holds for a verifier who multiplies by the cofactor and for nobody else.
    """
    digest = sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    public = encode(multiply(secret, base()))
    nonce = int.from_bytes(sha512(digest[32:] + text).digest(), "little") % L
    r = encode(add(multiply(nonce, base()), extra))
    k = int.from_bytes(sha512(r + public + text).digest(), "little") % L
    return r + ((nonce + k * secret) % L).to_bytes(32, "little")
