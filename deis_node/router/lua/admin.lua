-- What the agent says and asks over the unix socket. Nobody else can reach it.
--
--   GET  /state                                  which nginx, which table, which configuration
--   POST /rows?mode=full&version=V               the whole table; rows not in it go away
--   POST /rows?mode=delta&base=B&version=V&incarnation=I    changes on top of version B
--   GET  /rows                                   the table, for whoever looks into it by hand
--   GET  /inflight                               every peer with requests in flight
--   POST /inflight                               the same for the addresses in the body
--
-- A line of rows is `+<key> <row>` or `-<key>`.

local inflight = require "deis.inflight"
local tables = require "deis.table"

local _M = {}

local routes = ngx.shared.routes
local config

function _M.setup(settings)
    config = settings
end

local function answer(status, text)
    ngx.status = status
    ngx.header["Content-Type"] = "text/plain"
    ngx.print(text)
    return ngx.exit(status)
end

local function body()
    ngx.req.read_body()
    local text = ngx.req.get_body_data()
    local path = not text and ngx.req.get_body_file()
    if path then
        local file = assert(io.open(path, "rb"))
        text = file:read("*a")
        file:close()
    end
    return text or ""
end

local function state()
    return answer(200, ('{"incarnation":"%s","version":%d,"synced":%s,"config":"%s","workers":%d}\n')
        :format(routes:get("m:incarnation"), routes:get("m:version") or 0,
                tostring(tables.ready()), config.id, ngx.worker.count()))
end

-- Sets and deletes; returns what could not be stored. Rows carry the load's number as flags.
local function apply(text, mark)
    for sign, key, row in text:gmatch("([+-])([^ \n]+) ?([^\n]*)\n") do
        if sign == "+" then
            local ok, err = routes:safe_set(key, row, 0, mark)
            if not ok then
                return key .. ": " .. err
            end
        else
            routes:delete(key)
        end
    end
    return nil
end

local function sweep(mark)
    for _, key in ipairs(routes:get_keys(0)) do
        if key:sub(1, 2) ~= "m:" then
            local _, flags = routes:get(key)
            if flags ~= mark then
                routes:delete(key)
            end
        end
    end
end

local function confirm(version)
    routes:set("m:format", tables.FORMAT)
    routes:set("m:version", version)
    routes:set("m:synced", 1)
    return state()
end

local function full(args)
    local version = tonumber(args.version)
    local mark = version % 2147483647 + 1
    local failed = apply(body(), mark)
    if failed then
        return answer(507, failed)
    end
    sweep(mark)
    return confirm(version)
end

local function delta(args)
    local fits = tables.ready() and args.incarnation == routes:get("m:incarnation")
        and tonumber(args.base) == routes:get("m:version")
    if not fits then
        return answer(409, "another table")
    end
    local version = tonumber(args.version)
    local failed = apply(body(), version % 2147483647 + 1)
    if failed then
        routes:set("m:version", 0)
        return answer(507, failed)
    end
    return confirm(version)
end

local function listed()
    local lines = {}
    for _, key in ipairs(routes:get_keys(0)) do
        local row = key:sub(1, 2) ~= "m:" and routes:get(key)
        if row then
            lines[#lines + 1] = key .. " " .. row .. "\n"
        end
    end
    return answer(200, table.concat(lines))
end

local function rows()
    if ngx.req.get_method() == "GET" then
        return listed()
    end
    local args = ngx.req.get_uri_args()
    if args.mode == "full" then
        return full(args)
    end
    return delta(args)
end

local function counts()
    local sums
    if ngx.req.get_method() == "POST" then
        local addresses = {}
        for address in body():gmatch("[^\n]+") do
            addresses[#addresses + 1] = address
        end
        sums = inflight.of(addresses)
    else
        sums = inflight.all()
    end
    local lines = {}
    for address, count in pairs(sums) do
        if count > 0 then
            lines[#lines + 1] = address .. " " .. count .. "\n"
        end
    end
    return answer(200, table.concat(lines))
end

local handlers = { ["/state"] = state, ["/rows"] = rows, ["/inflight"] = counts }

function _M.serve()
    local handler = handlers[ngx.var.uri]
    if not handler then
        return ngx.exit(404)
    end
    return handler()
end

return _M
