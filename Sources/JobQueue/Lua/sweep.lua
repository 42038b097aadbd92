-- Gives the leases of one dead worker back, or those of a worker that leaves; a part of them a call.
-- ARGV[3] the worker that leaves, '' to look for a dead one, [4] deaths that bury a job, [5] leases a call, about
-- Returns how many leases went back and whether there may be more to do.
local WORKERS = S .. ':w'
local worker, deaths = ARGV[3], nil
if worker == '' then
    -- Deadline and leases are read in the same step, so a heartbeat just before this saves them.
    worker = call('ZRANGEBYSCORE', WORKERS, '-inf', now, 'LIMIT', 0, 1)[1]
    deaths = tonumber(ARGV[4])
    if not worker then return { 0, 0 } end
end
local own = S .. ':own:' .. worker
local leases = call('SSCAN', own, '0', 'COUNT', ARGV[5])[2]
-- A set has no order; the oldest lease goes first.
table.sort(leases)
giveBackAll(own, leases, deaths)
local empty = call('EXISTS', own) == 0
if empty then
    call('ZREM', WORKERS, worker)
    call('HDEL', S .. ':mark', worker)
end
finish()
if deaths then return { #leases, call('ZCOUNT', WORKERS, '-inf', now) } end
return { #leases, empty and 0 or 1 }
