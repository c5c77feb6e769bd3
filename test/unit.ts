/** Before each file of the unit ring: what starts a process or listens on a port there fails, as it belongs to another ring. */
import childProcess from "node:child_process"
import { syncBuiltinESMExports } from "node:module"
import net from "node:net"

const refuse = () => {
  throw new Error("a test of the unit ring starts no process and listens on no port: name its file in test/rings.ts")
}

Object.assign(childProcess, { spawn: refuse, spawnSync: refuse, fork: refuse, execFile: refuse, execFileSync: refuse })
net.Server.prototype.listen = refuse
syncBuiltinESMExports()
