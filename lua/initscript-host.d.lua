---@meta
-- What Lua hosts and Lua actors have beside the libraries of LuaJIT, for editors; docs/guide/lua-host.md
-- is the account of it. Init scripts have initscript.d.lua.

---An open file, pipe or socket. It is closed when it is collected.
---@class file_descriptor
local file_descriptor = {}

---Reads up to n bytes; nil at the end.
---@param n integer
---@return string?
function file_descriptor:read(n) end

---Writes all of the text and returns its length.
---@param text string
---@return integer
function file_descriptor:write(text) end

---Sends one packet, with descriptors.
---@param text string
---@param fds? file_descriptor[]
---@return integer
function file_descriptor:send_with_fds(text, fds) end

---Receives up to n bytes, "" at the end, and the descriptors that come with them.
---@param n integer
---@return string text
---@return file_descriptor[] fds
function file_descriptor:receive_with_fds(n) end

---@return file_descriptor
function file_descriptor:dup() end

---Hands the descriptor over to a new object.
---@return file_descriptor
function file_descriptor:release() end

---May be repeated.
function file_descriptor:close() end

---The address of an inbox. The channel that spawn_vm returns can do more than one from a message.
---@class channel
---@field child_pid integer of the supervised process, as the host numbers it
local channel = {}

---@alias message boolean|number|string|file_descriptor|channel|inbox|table

---Waits while the socket is full.
---@param message message
function channel:send(message) end

---The next message that the child has sent to parent.
---@return message
function channel:receive() end

---The child sees the end of its input and goes on running.
function channel:close() end

---Sends the signal and then always SIGKILL, and closes the channel.
---@param signal? integer
function channel:kill(signal) end

---Lets the child outlive the host.
function channel:detach() end

---Waits for the end of the child.
---@return true? ok
---@return "exit"|"signal" how
---@return integer number
---@return string? message why the script or module has failed
function channel:wait() end

---Receives messages of any number of senders. Sending it makes a new address of it.
---@class inbox
inbox = {}

---@return message
function inbox:receive() end

---Closes all sources.
function inbox:close() end

---The channel to the host. Actors have it.
---@type channel
parent = nil

---The ExtraFiles of an Actor in Go. Actors have it.
---@type file_descriptor[]
extra_files = nil

---@type "main"|"worker"
_CONTEXT = nil

---@class path
---Hosts have it.
filesystem = { path = {} }

---A path that the child opens after the script.
---@param path string
---@return path
function filesystem.path.new(path) end

unix = { seqpacket_socket = {} }

---@return file_descriptor, file_descriptor
function unix.seqpacket_socket.pair() end

---@return file_descriptor reader
---@return file_descriptor writer
function unix.pipe() end

---@param path string
---@param mode? "r"|"w"|"a"|"r+"|"w+"|"a+"
---@return file_descriptor
function unix.open(path, mode) end

message = {}

---Marks a table, so that it is sent as an array, also without elements.
---@param t table
---@return table
function message.array(t) end

---Marks a table, so that it is sent as a map with all its keys.
---@param t table
---@return table
function message.map(t) end

---@class spawn_options
---@field module? string|path
---@field module_source? string
---@field subprocess subprocess_options

---@class subprocess_options
---@field newns_uts? boolean
---@field newns_ipc? boolean
---@field newns_pid? boolean
---@field newns_user? boolean
---@field newns_net? boolean
---@field newns_mount? boolean
---@field stdin? "share"|file_descriptor
---@field stdout? "share"|file_descriptor
---@field stderr? "share"|file_descriptor
---@field environment? table<string, string>
---@field init? { script: string, arg?: file_descriptor }

---Starts a process behind an init script. Hosts have it.
---@param options spawn_options
---@return channel
function spawn_vm(options) end

---What is raised.
---@class error_code
---@field category "generic"|"initscript"
---@field value integer of "generic": the errno value
---@field name string
---@field arg? string|integer the option or argument that is wrong
---@field message string
