-- How many requests each peer has in flight, per worker process.
--
-- Keys are `<pid>:<address>`, so that a worker of an older configuration, which still ends its
-- requests after a reload, counts on its own; what a killed worker left behind is removed by the
-- next one that starts, and not counted before.

local ffi = require "ffi"

local _M = {}

local counts = ngx.shared.inflight
local workers = ngx.shared.workers
local prefix

pcall(ffi.cdef, "int kill(int pid, int sig);")

local EPERM = 1

local function alive(pid)
    return ffi.C.kill(tonumber(pid), 0) == 0 or ffi.errno() == EPERM
end

local function forget(gone)
    for _, key in ipairs(counts:get_keys(0)) do
        if gone[key:match("^(%d+):")] then
            counts:delete(key)
        end
    end
end

-- Called once by each worker as it starts.
function _M.start()
    local me = tostring(ngx.worker.pid())
    local gone = { [me] = true }
    for _, pid in ipairs(workers:get_keys(0)) do
        if not alive(pid) then
            gone[pid] = true
            workers:delete(pid)
        end
    end
    forget(gone)
    prefix = me .. ":"
    workers:set(me, 1)
end

function _M.enter(address)
    local _, err = counts:incr(prefix .. address, 1, 0)
    if err then
        ngx.log(ngx.ERR, "in-flight count of ", address, ": ", err)
    end
end

function _M.leave(address)
    local key = prefix .. address
    local left = counts:incr(key, -1)
    if left and left <= 0 then
        counts:delete(key)
    end
end

-- Called when a request ends, however it ends.
function _M.done()
    local ctx = ngx.ctx
    if ctx.peer then
        _M.leave(ctx.peer)
        ctx.peer = nil
    end
end

-- address → requests in flight over all live workers.
function _M.all()
    local living, sums = {}, {}
    for _, pid in ipairs(workers:get_keys(0)) do
        living[pid] = alive(pid)
    end
    for _, key in ipairs(counts:get_keys(0)) do
        local pid, address = key:match("^(%d+):(.+)$")
        if pid and living[pid] then
            sums[address] = (sums[address] or 0) + (counts:get(key) or 0)
        end
    end
    return sums
end

-- The same for a few addresses, without reading the whole dictionary.
function _M.of(addresses)
    local sums = {}
    for _, pid in ipairs(workers:get_keys(0)) do
        if alive(pid) then
            for _, address in ipairs(addresses) do
                local count = counts:get(pid .. ":" .. address)
                if count then
                    sums[address] = (sums[address] or 0) + count
                end
            end
        end
    end
    return sums
end

return _M
