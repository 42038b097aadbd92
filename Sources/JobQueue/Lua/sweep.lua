-- Gives the leases of one dead worker back, or those of a worker that leaves; a part of them a call.
-- ARGV[3] the worker that leaves, '' to look for a dead one, [4] leases a call, about, [5] lease ms, [6] deaths that bury a
-- job, [7] [8] ms a job waits after its second death, and at most
-- Returns how many leases went back and whether there may be more to do.
local WORKERS, LEASE, TICK = S .. ':w', tonumber(ARGV[5]), 1000
local isLeaving, worker, death = ARGV[3] ~= '', ARGV[3], nil

-- A silence that nobody watched proves no death: the server was away, or its clock was set. Returns the instant up to which
-- deadlines that passed are nobody's fault.
local function pardoned()
    local marks = call('HMGET', SHARD, 'swept', 'pardoned')
    local gap, pardon = now - (tonumber(marks[1]) or 0), tonumber(marks[2]) or 0
    local isSetBack = gap < -TICK
    if isSetBack then
        -- Set back: the deadlines are of the old clock, and would keep a dead worker's leases for as long.
        for _, name in ipairs(call('ZRANGEBYSCORE', WORKERS, '(' .. whole(now + LEASE), '+inf')) do
            call('ZADD', WORKERS, now + LEASE, name)
        end
    end
    if isSetBack or gap > LEASE / 2 then pardon = now end
    -- However many sweep, one a second writes.
    if isSetBack or gap >= TICK then call('HSET', SHARD, 'swept', NOW, 'pardoned', whole(pardon)) end
    return pardon
end

if not isLeaving then
    local pardon = pardoned()
    -- Deadline and leases are read in the same step, so a heartbeat just before this saves them.
    local first = call('ZRANGEBYSCORE', WORKERS, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
    worker = first[1]
    if not worker then return { 0, 0 } end
    if tonumber(first[2]) > pardon then
        death = { most = tonumber(ARGV[6]), base = tonumber(ARGV[7]), cap = tonumber(ARGV[8]) }
    end
end
local own = S .. ':own:' .. worker
local leases = call('SSCAN', own, '0', 'COUNT', ARGV[4])[2]
-- A set has no order; the oldest lease goes first.
table.sort(leases)
giveBackAll(own, leases, death)
local empty = call('EXISTS', own) == 0
if empty then
    call('ZREM', WORKERS, worker)
    call('HDEL', S .. ':mark', worker)
end
finish()
if isLeaving then return { #leases, empty and 0 or 1 } end
return { #leases, call('ZCOUNT', WORKERS, '-inf', now) }
