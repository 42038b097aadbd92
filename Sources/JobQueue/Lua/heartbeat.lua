-- A worker says that it lives, and which leases it knows of.
-- ARGV[3] worker, [4] lease ms, [5] age in ms from which a lease the worker does not know of is an orphan (the answer
-- that granted it was lost), then the leases the worker holds.
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
    local leased = call('HMGET', OWN, unpack(held))
    for i, lease in ipairs(held) do
        if not leased[i] then lost[#lost + 1] = lease end
    end
end
local orphans = {}
if call('HLEN', OWN) > #held - #lost then
    local all = call('HGETALL', OWN)
    for i = 1, #all, 2 do
        if not known[all[i]] and tonumber(all[i + 1]) <= now - tonumber(ARGV[5]) then orphans[#orphans + 1] = all[i] end
    end
end
giveBackAll(OWN, orphans)
finish()
return { #orphans, unpack(lost) }
