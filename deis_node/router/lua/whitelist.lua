-- Whether a client's address lies in one of the networks of a row.

local bit = require "bit"

local _M = {}

local MAPPED = ("\0"):rep(10) .. "\255\255"

local function inside(address, net)
    if #address ~= #net.bytes then
        return false
    end
    local whole = math.floor(net.bits / 8)
    if address:sub(1, whole) ~= net.bytes:sub(1, whole) then
        return false
    end
    local rest = net.bits % 8
    if rest == 0 then
        return true
    end
    local shift = 8 - rest
    local a, b = address:byte(whole + 1), net.bytes:byte(whole + 1)
    return bit.rshift(a, shift) == bit.rshift(b, shift)
end

-- `address` is nginx' $binary_remote_addr: 4 or 16 bytes.
function _M.allows(nets, address)
    if not nets then
        return true
    end
    if #address == 16 and address:sub(1, 12) == MAPPED then
        address = address:sub(13)
    end
    for i = 1, #nets do
        if inside(address, nets[i]) then
            return true
        end
    end
    return false
end

return _M
