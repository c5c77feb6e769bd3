// Signs a macOS program ad hoc: checksums of all its pages, without an identity. Apple processors start no program
// without a signature.
import { createHash } from "node:crypto"

const LC_SEGMENT_64 = 0x19
const LC_CODE_SIGNATURE = 0x1d
const PAGE = 4096
/** Segments fill whole pages of memory, of the larger kind. */
const SEGMENT = 0x4000
const SUM = 32

const loadCommands = (file) => {
  const commands = []
  let at = 32
  for (let n = file.readUInt32LE(16); n > 0; n--) {
    commands.push({
      command: file.readUInt32LE(at),
      at,
      name: file.toString("latin1", at + 8, at + 24).replace(/\0.*/, "")
    })
    at += file.readUInt32LE(at + 4)
  }
  return commands
}

const sumsOf = (code) => {
  const sums = []
  for (let at = 0; at < code.length; at += PAGE) {
    sums.push(
      createHash("sha256")
        .update(code.subarray(at, Math.min(at + PAGE, code.length)))
        .digest()
    )
  }
  return sums
}

const words = (...numbers) => {
  const bytes = Buffer.alloc(4 * numbers.length)
  for (const [n, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * n)
  return bytes
}

/** The signature: a super blob with a code directory (version 2.4) and nothing else. */
const signatureOf = (code, identifier, textSize) => {
  const name = Buffer.from(`${identifier}\0`)
  const sums = sumsOf(code)
  const identifierAt = 88
  const sumsAt = identifierAt + name.length
  const length = sumsAt + sums.length * SUM
  const directory = [
    // CSMAGIC_CODEDIRECTORY, length, version, CS_ADHOC
    words(0xfade0c02, length, 0x20400, 0x2),
    words(sumsAt, identifierAt, 0, sums.length, code.length),
    // size and kind of a sum (SHA-256), platform, log2 of a page
    Buffer.from([SUM, 2, 0, Math.log2(PAGE)]),
    // nothing scattered, no team; the limit fits in 32 bits
    words(0, 0, 0, 0, 0, 0),
    // the location of the program's text, and that it is a main program
    words(0, 0, 0, textSize, 0, 1),
    name,
    ...sums
  ]
  return Buffer.concat([words(0xfade0cc0, 20 + length, 1, 0, 20), ...directory])
}

/** The signed program, made from one that has another signature as its last part. */
export const signedAdHoc = (program, identifier) => {
  const commands = loadCommands(program)
  const segment = (wanted) => commands.find(({ command, name }) => command === LC_SEGMENT_64 && name === wanted)
  const signature = commands.find(({ command }) => command === LC_CODE_SIGNATURE)
  const link = segment("__LINKEDIT")
  const text = segment("__TEXT")
  if (signature === undefined || link === undefined || text === undefined) throw new Error("there is no place to sign")
  const start = program.readUInt32LE(signature.at + 8)
  if (start + program.readUInt32LE(signature.at + 12) !== program.length) throw new Error("the signature is not last")
  const code = Buffer.from(program.subarray(0, start))
  const textSize = Number(program.readBigUInt64LE(text.at + 48))
  // the checksums cover the header, which contains the signature's length, so that is set first
  const { length } = signatureOf(code, identifier, textSize)
  const linkSize = start + length - Number(program.readBigUInt64LE(link.at + 40))
  code.writeUInt32LE(length, signature.at + 12)
  // the last segment: nothing follows it, in the file or in memory
  code.writeBigUInt64LE(BigInt(Math.ceil(linkSize / SEGMENT) * SEGMENT), link.at + 32)
  code.writeBigUInt64LE(BigInt(linkSize), link.at + 48)
  return Buffer.concat([code, signatureOf(code, identifier, textSize)])
}
