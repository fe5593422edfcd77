-- A new network namespace has a loopback interface that is down, and no function of C can bring it
-- up. The parent, at the other end of arg, can have a program do it: it gets the namespaces.

local function send_namespace(name)
    local fd = C.open("/proc/self/ns/" .. name, bit.bor(C.O_RDONLY, C.O_CLOEXEC))
    send_with_fd(arg, name, fd)
end

send_namespace("user")
send_namespace("net")
if C.read(arg, 1) ~= "." then
    error("the parent has not brought up the loopback interface")
end
set_no_new_privs()
