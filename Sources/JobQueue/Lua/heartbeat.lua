-- A worker says that it lives, and which leases it knows of.
-- ARGV[3] worker, [4] lease ms, [5] age in ms from which a lease the worker does not know of is an orphan (the answer
-- that granted it was lost); it is noticed before it is twice as old. Then the leases the worker holds.
-- Returns the number of orphans given back, then the leases the worker has lost.
local OWN = S .. ':own:' .. ARGV[3]
call('ZADD', S .. ':w', now + tonumber(ARGV[4]), ARGV[3])
local held, known = {}, {}
for i = 6, #ARGV do
    held[#held + 1] = ARGV[i]
    known[ARGV[i]] = true
end
local lost = {}
if held[1] then
    local owned = call('SMISMEMBER', OWN, unpack(held))
    for i, lease in ipairs(held) do
        if owned[i] == 0 then lost[#lost + 1] = lease end
    end
end

-- The mark says which leases were there at an earlier heartbeat: one that is old enough makes them old enough.
local MARKS, seq = S .. ':mark', tonumber(head[2]) or 0
local mark = call('HGET', MARKS, ARGV[3])
local before, at = match(mark or '', '^(%d+),(%d+)$')
local isDue = not before or tonumber(at) <= now - tonumber(ARGV[5])
local orphans = {}
if before and isDue and call('SCARD', OWN) > #held - #lost then
    local oldest = tonumber(head[1]) * 1099511627776 + tonumber(before)
    for _, lease in ipairs(call('SMEMBERS', OWN)) do
        if not known[lease] and tonumber(match(lease, '^%d+')) <= oldest then orphans[#orphans + 1] = lease end
    end
end
if isDue then call('HSET', MARKS, ARGV[3], whole(seq) .. ',' .. NOW) end
giveBackAll(OWN, orphans, nil, false)
finish()
return { #orphans, unpack(lost) }
