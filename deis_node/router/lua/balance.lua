-- Which peer a request goes to, and which next when it could not be reached.
--
-- The row is read anew at each try: a request whose body took its time to come in must not be
-- sent to a copy that was withdrawn meanwhile. The count of requests in flight goes up before the
-- row is looked at a second time; so either this worker sees the withdrawal, or the agent, asking
-- for the counts after it, sees this request.

local balancer = require "ngx.balancer"
local inflight = require "deis.inflight"
local tables = require "deis.table"

local _M = {}

-- Seconds that a peer which could not be reached is asked last, by cause. Only a failed connect
-- counts: what a peer answers, or how late, never moves it. One that stays silent costs a request
-- its patience each time, so it is asked last for twice as long each time, up to a bound.
local REFUSED, SILENT, LONGEST = 1, 3, 48

local suspects = {}
local config

function _M.setup(settings)
    config = settings
end

local function suspected(address, now)
    local found = suspects[address]
    if found and found.till + found.pause <= now then
        suspects[address], found = nil, nil
    end
    return found ~= nil and now < found.till
end

-- A failure counts as one more in a row if it comes soon after the last pause.
local function suspect(address, pause)
    local now, before = ngx.now(), suspects[address]
    if pause == SILENT and before and before.pause >= SILENT and now < before.till + before.pause then
        pause = now < before.till and before.pause or math.min(2 * before.pause, LONGEST)
    end
    suspects[address] = { till = now + pause, pause = pause }
end

local function by_weight(groups)
    if #groups == 1 then
        return 1
    end
    local ticket = math.random(groups.weight)
    for i = 1, #groups do
        ticket = ticket - groups[i].weight
        if ticket <= 0 then
            return i
        end
    end
    return 1
end

-- The first peer in the groups' order that was not tried and is not skipped.
local function first(groups, tried, skip)
    local start = by_weight(groups)
    for g = 0, #groups - 1 do
        local group = groups[(start + g - 1) % #groups + 1]
        local turn = group.turn
        group.turn = turn % #group + 1
        for i = 0, #group - 1 do
            local peer = group[(turn + i - 1) % #group + 1]
            if not tried[peer.text] and not (skip and skip(peer.text)) then
                return peer
            end
        end
    end
    return nil
end

local function choose(entry, tried)
    local now = ngx.now()
    local function skip(address) return suspected(address, now) end
    for _, groups in ipairs(entry.tiers) do
        local peer = groups.size > 0 and (first(groups, tried, skip) or first(groups, tried))
        if peer then
            return peer
        end
    end
    return nil
end

-- Whether the try that just failed had sent nothing: the last number that nginx lists, the try
-- that begins now having none yet.
local function sent_nothing()
    local sent = ngx.var.upstream_bytes_sent
    return sent and sent:match("(%d+)%D*$") == "0"
end

local function remember_failure(address)
    if sent_nothing() then
        local _, status = balancer.get_last_failure()
        suspect(address, status == 504 and SILENT or REFUSED)
    end
end

local function take(ctx)
    for _ = 1, 5 do
        local entry = tables.entry(ctx.key)
        local peer = entry and choose(entry, ctx.tried)
        if not peer then
            return nil
        end
        inflight.enter(peer.text)
        if tables.current(ctx.key, entry) then
            ctx.peer = peer.text
            return peer, entry
        end
        inflight.leave(peer.text)
    end
    return nil
end

-- While another one is left to try, nobody is waited for longer than a copy of an app.
local function patience(entry, ctx)
    local most = config[entry.kind].connect
    return ctx.tries < entry.size and math.min(most, config.app.connect) or most
end

local function begin(ctx, entry)
    ctx.tried, ctx.tries = {}, 0
    if entry and entry.size > 1 then
        balancer.set_more_tries(entry.size - 1)
    end
end

function _M.pick()
    local ctx = ngx.ctx
    if ctx.peer then
        remember_failure(ctx.peer)
        ctx.tried[ctx.peer] = true
        inflight.done()
    elseif not ctx.tried then
        begin(ctx, tables.entry(ctx.key))
    end
    local peer, entry = take(ctx)
    if not peer then
        return ngx.exit(next(ctx.tried) and 502 or 503)
    end
    ctx.tries = ctx.tries + 1
    local limits = config[entry.kind]
    balancer.set_timeouts(patience(entry, ctx), limits.send, limits.read)
    local ok, err = balancer.set_current_peer(peer.host, peer.port)
    if not ok then
        ngx.log(ngx.ERR, "peer ", peer.text, ": ", err)
        return ngx.exit(502)
    end
end

return _M
