// Prints the age vectors of C2SP's CCTV as one JSON object: name to base64 of the vector's file.
import * as vectors from "cctv-age";

const files = Object.entries(vectors).filter(([, file]) => file instanceof Uint8Array);
console.log(JSON.stringify(Object.fromEntries(files.map(([name, file]) => [name, Buffer.from(file).toString("base64")]))));
