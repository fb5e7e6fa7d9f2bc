-- Called by the master as it reads its configuration, and by each worker as it starts.

local _M = {}

local function nonce()
    local file = assert(io.open("/dev/urandom", "rb"))
    local bytes = file:read(8)
    file:close()
    return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- All modules are loaded here, as root: the workers may not be able to read the folder.
-- The dictionary outlives reloads, so the incarnation is that of the table, not of the configuration.
function _M.master(settings)
    require "resty.core"
    for _, name in ipairs({ "route", "balance", "admin" }) do
        require("deis." .. name).setup(settings)
    end
    ngx.shared.routes:add("m:incarnation", nonce())
end

function _M.worker()
    math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
    require("deis.inflight").start()
end

return _M
