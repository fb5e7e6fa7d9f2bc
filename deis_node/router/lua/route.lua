-- What happens to a request before it goes anywhere: who answers for its host, and may it pass.

local tables = require "deis.table"
local whitelist = require "deis.whitelist"

local _M = {}

local STEP = 0.02

local config

function _M.setup(settings)
    config = settings
end

-- After nginx has started its table is empty until the agent has fed it.
local function wait_for_table()
    local left = config.wait
    while not tables.ready() do
        if left <= 0 then
            return false
        end
        ngx.sleep(STEP)
        left = left - STEP
    end
    return true
end

-- https when a proxy in front of us said so; the last word of a list decides.
local function scheme()
    local told = ngx.var.http_x_forwarded_proto
    told = told and told:match("([^,%s]+)%s*$")
    told = told and told:lower()
    if told == "https" or told == "http" then
        return told
    end
    return ngx.var.scheme
end

-- The Host that the app gets: as received, unless an absolute request line names another.
local function host_header(host)
    local received = ngx.var.http_host
    if received then
        local bare = received:lower():gsub(":%d*$", ""):gsub("%.$", "")
        if bare == host then
            return received
        end
    end
    return host
end

local function unknown()
    if ngx.var.uri == "/health-check" and ngx.req.get_method() == "GET" then
        return ngx.exec("@health")
    end
    return ngx.exit(404)
end

local function tell_app(proto)
    ngx.var.deis_proto = proto
    ngx.var.deis_port = proto == "https" and "443" or "80"
    ngx.var.deis_ssl = proto == "https" and "on" or "off"
end

function _M.access()
    if not tables.ready() and not wait_for_table() then
        return ngx.exit(503)
    end
    local host = ngx.var.host
    local key = host and tables.find(host)
    local entry = key and tables.entry(key)
    if not entry then
        return unknown()
    end
    ngx.var.deis_name = entry.name
    if not whitelist.allows(entry.nets, ngx.var.binary_remote_addr) then
        return ngx.exit(403)
    end
    local proto = scheme()
    ngx.var.deis_scheme = proto
    if config.https and proto ~= "https" and (entry.kind ~= "app" or entry.size > 0) then
        return ngx.redirect("https://" .. host .. ngx.var.request_uri, 301)
    end
    if entry.size == 0 then
        return ngx.exit(503)
    end
    if entry.kind == "app" then
        tell_app(proto)
    end
    ngx.var.deis_host = host_header(host)
    ngx.ctx.key = key
end

return _M
