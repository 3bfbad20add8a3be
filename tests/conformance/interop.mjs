// Seals and opens with age-encryption: one JSON request on stdin, one JSON answer on stdout, bytes in base64.
//   {op: "generate", hybrid}                                        -> {identity, recipient}
//   {op: "recipient", identity}                                     -> {recipient}
//   {op: "seal", plain, recipients | passphrase, armor}             -> {sealed}
//   {op: "open", sealed, identities | passphrase, armor}            -> {plain}
import * as age from "age-encryption";

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const text = (data) => Buffer.from(data).toString("base64");
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const ask = JSON.parse(Buffer.concat(chunks).toString());

async function answer() {
  switch (ask.op) {
    case "generate": {
      const identity = await (ask.hybrid ? age.generateHybridIdentity() : age.generateX25519Identity());
      return { identity, recipient: await age.identityToRecipient(identity) };
    }
    case "recipient":
      return { recipient: await age.identityToRecipient(ask.identity) };
    case "seal": {
      const sealing = new age.Encrypter();
      if (ask.passphrase) {
        sealing.setScryptWorkFactor(10);
        sealing.setPassphrase(ask.passphrase);
      }
      for (const recipient of ask.recipients ?? []) sealing.addRecipient(recipient);
      const sealed = await sealing.encrypt(bytes(ask.plain));
      return { sealed: text(ask.armor ? Buffer.from(age.armor.encode(sealed)) : sealed) };
    }
    case "open": {
      const opening = new age.Decrypter();
      if (ask.passphrase) opening.addPassphrase(ask.passphrase);
      for (const identity of ask.identities ?? []) opening.addIdentity(identity);
      const sealed = bytes(ask.sealed);
      const binary = ask.armor ? age.armor.decode(Buffer.from(sealed).toString("latin1")) : sealed;
      return { plain: text(await opening.decrypt(binary, "uint8array")) };
    }
  }
}
console.log(JSON.stringify(await answer()));
