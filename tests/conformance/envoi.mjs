// Reads the vectors of tests/vectors/envoi.json as another implementation would, from docs/PROTOCOL.md and noble alone.
// The vectors come on stdin; the answer is a JSON list of what was found wrong, empty when everything agrees.
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa44, ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";

const utf8 = (text) => new Uint8Array(Buffer.from(text, "utf8"));
const hex = (data) => Buffer.from(data).toString("hex");
const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const join = (...parts) => new Uint8Array(Buffer.concat(parts));
const u64 = (number) => { const data = Buffer.alloc(8); data.writeBigUInt64BE(BigInt(number)); return data; };
const short = (data) => join(Uint8Array.of(data.length), data);

class Malformed extends Error {}
class Unverified extends Error {}
const require = (Failure, holds) => { if (!holds) throw new Failure(); };

function unbase64(text) {
  const data = Buffer.from(text, "base64");
  require(Malformed, data.toString("base64") === text);
  return new Uint8Array(data);
}

// Type bytes in hexadecimal, the length of the key, and how a signature is checked.
const plain = (algorithm) => (key, text, signature) => algorithm(signature, text, key.material);
const TYPES = [
  ["01", 32, plain(verifyEd25519)],
  ["06", 1312, cosigned],
  ["ff" + hex(utf8("envoi/ml-dsa-65/v1")), 1952, plain((signature, text, key) => ml_dsa65.verify(signature, text, key))],
];

function parseKey(vkey) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(.*)$/s.exec(vkey);
  require(Malformed, match);
  const data = hex(unbase64(match[3]));
  const type = TYPES.find(([bytes, length]) => data.startsWith(bytes) && data.length === bytes.length + 2 * length);
  require(Malformed, type);
  const [bytes, length, verify] = type;
  const material = unhex(data.slice(bytes.length));
  if (length === 32) require(Malformed, usable(material));
  const id = hex(sha256(join(utf8(match[1] + "\n"), unhex(data)))).slice(0, 8);
  require(Malformed, id === match[2]);
  return { name: match[1], id, material, verify };
}

// Without the cofactor, as PROTOCOL 3.1 asks; noble's own verify multiplies by it.
function verifyEd25519(signature, text, key) {
  const { Point } = ed25519;
  const [r, s] = [signature.slice(0, 32), littleEndian(signature.slice(32))];
  if (signature.length !== 64 || s >= Point.Fn.ORDER) return false;
  const k = littleEndian(sha512(join(r, key, text))) % Point.Fn.ORDER;
  const expected = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(key, false).multiplyUnsafe(k));
  return hex(expected.toBytes()) === hex(r);
}

const littleEndian = (data) => BigInt("0x" + hex(data.slice().reverse()));

function usable(material) {
  try {
    return !ed25519.Point.fromBytes(material, false).isSmallOrder();
  } catch {
    return false;
  }
}

function parseNote(raw) {
  const end = raw.lastIndexOf("\n\n");
  require(Malformed, raw.endsWith("\n") && end >= 0 && !/[\x00-\x09\x0b-\x1f]/.test(raw));
  const lines = raw.slice(end + 2).split("\n").slice(0, -1).map((line) => {
    const match = /^— ([^+\s]+) (\S+)$/.exec(line);
    require(Malformed, match);
    const data = unbase64(match[2]);
    require(Malformed, data.length > 4);
    return { name: match[1], id: hex(data.slice(0, 4)), signature: data.slice(4) };
  });
  const seen = new Set(lines.map((line) => `${line.name} ${line.id}`));
  require(Malformed, lines.length > 0 && seen.size === lines.length);
  return { text: utf8(raw.slice(0, end + 1)), lines };
}

const lineOf = (note, key) => note.lines.find((line) => line.name === key.name && line.id === key.id);

// Both of a pair of keys: true when both signed, false when neither did.
function signedByBoth(note, keys) {
  const found = keys.map((key) => lineOf(note, key));
  if (found.every((line) => !line)) return false;
  require(Unverified, found.every((line) => line));
  keys.forEach((key, at) => require(Unverified, holds(key, note.text, found[at].signature)));
  return true;
}

function holds(key, text, signature) {
  try {
    return key.verify(key, text, signature);
  } catch (error) {
    if (error instanceof Malformed) throw error;
    return false; // noble throws at a signature of another length
  }
}

function parseCheckpoint(text) {
  const lines = Buffer.from(text).toString("utf8").split("\n");
  require(Malformed, lines.length === 4 && lines[3] === "" && /^(0|[1-9][0-9]*)$/.test(lines[1]));
  const root = unbase64(lines[2]);
  require(Malformed, root.length === 32);
  return { origin: lines[0], size: Number(lines[1]), root };
}

function cosigned(key, text, signature) {
  const { origin, size, root } = parseCheckpoint(text);
  const time = signature.slice(0, 8);
  const message = join(utf8("subtree/v1\n\0"), short(utf8(key.name)), time, short(utf8(origin)), u64(0), u64(size), root);
  return ml_dsa44.verify(signature.slice(8), message, key.material);
}

function verifyCheckpoint(raw, log) {
  const note = parseNote(raw);
  const checkpoint = parseCheckpoint(note.text);
  const keys = log.map(parseKey);
  require(Unverified, signedByBoth(note, keys));
  return { ...checkpoint, note, time: timeOf(note, keys[1]) };
}

const timeOf = (note, key) => Number(Buffer.from(lineOf(note, key).signature).readBigUInt64BE(0));
const leafHash = (entry) => sha256(join(Uint8Array.of(0), entry));
const nodeHash = (left, right) => sha256(join(Uint8Array.of(1), left, right));

// PATH of RFC 6962, section 2.1.1, from the root down.
function rootOf(index, size, leaf, proof) {
  if (size === 1) {
    require(Unverified, proof.length === 0);
    return leaf;
  }
  require(Unverified, proof.length > 0);
  let split = 1;
  while (split * 2 < size) split *= 2;
  const [below, last] = [proof.slice(0, -1), proof.at(-1)];
  if (index < split) return nodeHash(rootOf(index, split, leaf, below), last);
  return nodeHash(last, rootOf(index - split, size - split, leaf, below));
}

function verifyProof(raw, entry, log) {
  const end = raw.indexOf("\n\n");
  const [first, second, ...hashes] = raw.slice(0, end).split("\n");
  const match = /^index (0|[1-9][0-9]*)$/.exec(second);
  require(Malformed, first === "c2sp.org/tlog-proof@v1" && match);
  const index = Number(match[1]);
  const { size, root } = verifyCheckpoint(raw.slice(end + 2), log);
  require(Unverified, index < size);
  require(Unverified, hex(rootOf(index, size, leafHash(utf8(entry)), hashes.map(unbase64))) === hex(root));
  return index;
}

function unframe(data) {
  const parts = [];
  for (let at = 0; at < data.length; ) {
    require(Malformed, at + 4 <= data.length);
    const end = at + 4 + Buffer.from(data).readUInt32BE(at);
    require(Malformed, end - at - 4 <= 16 * 1024 * 1024 && end <= data.length);
    parts.push(hex(data.slice(at + 4, end)));
    at = end;
  }
  return parts;
}

function keysOfSeed({ vkeys, seed }) {
  const made = { 32: (bytes) => ed25519.getPublicKey(bytes), 1312: (bytes) => ml_dsa44.keygen(bytes).publicKey,
                 1952: (bytes) => ml_dsa65.keygen(bytes).publicKey };
  return vkeys.every((vkey, at) => {
    const { material } = parseKey(vkey);
    return hex(made[material.length](unhex(seed).slice(32 * at, 32 * at + 32))) === hex(material);
  });
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const vectors = JSON.parse(Buffer.concat(chunks).toString("utf8"));
const members = vectors.keys.slice(0, 2).map((one) => one.vkeys.map(parseKey));

// Each returns whether what was found is what the vector says to find; a refusal is thrown.
const READERS = {
  keys: keysOfSeed,
  vkeys: ({ vkey, key_id }) => parseKey(vkey).id === key_id,
  notes: ({ note: raw, signers, id }) => {
    const note = parseNote(raw);
    const found = members.filter((keys) => signedByBoth(note, keys)).map(([key]) => key.name).sort();
    return JSON.stringify(found) === JSON.stringify(signers) && hex(sha256(note.text)) === id;
  },
  commitments: ({ nonce, number, opening, commitment }) =>
    nonce + hex(u64(number)) === opening && hex(sha256(unhex(opening))) === commitment,
  transcripts: ({ before, id, after }) => hex(sha256(unhex(before + id))) === after,
  entries: ({ type, note, entry, leaf_hash }) =>
    `${type} ${hex(sha256(utf8(note)))}\n` === entry && hex(leafHash(utf8(entry))) === leaf_hash,
  frames: ({ frames, parts }) => JSON.stringify(unframe(unhex(frames))) === JSON.stringify(parts),
  checkpoints: ({ checkpoint, log, size, root, time, cosigner, cosigned: at }) => {
    const found = verifyCheckpoint(checkpoint, log);
    if (cosigner) {
      const key = parseKey(cosigner);
      require(Unverified, holds(key, found.note.text, lineOf(found.note, key).signature));
      if (timeOf(found.note, key) !== at) return false;
    }
    return found.size === size && hex(found.root) === root && found.time === time;
  },
  proofs: ({ proof, entry, log, index }) => verifyProof(proof, entry, log) === index,
};

function outcome(read, vector) {
  try {
    return read(vector) ? "accept" : "another value";
  } catch (error) {
    if (error instanceof Malformed) return "malformed";
    if (error instanceof Unverified) return "unverified";
    throw error;
  }
}

const wrong = [];
let count = 0;
for (const [section, read] of Object.entries(READERS)) {
  for (const vector of vectors[section]) {
    count += 1;
    const found = outcome(read, vector);
    if (found !== vector.expect) wrong.push(`${section}: ${vector.what ?? ""}: ${found} instead of ${vector.expect}`);
  }
}
console.log(JSON.stringify({ count, wrong }));
