-- How fast one account may be called, by all workers together. Stands alone, without shard.lua.
-- KEYS[1] the account's lane; a HASH: d ms at which the allowance is whole again, u ms of the last pause's end, f factor on
-- the interval at that end; gone when nothing of it matters any more.
-- ARGV[1] ms between two calls, [2] calls that may start at once, [3] calls wanted (0: a refusal was met), [4] longest wait
-- in ms, [5] ms of a pause, [6] ms to add to the server's clock (0 in production)
-- Returns calls granted, ms until the first of them may start, ms between them.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[6])
-- A refusal doubles the interval, 16-fold at most. Peace halves it again in the time 60 calls at full pace take, 15 s for
-- an account's calls, so that the worst is over in a minute. Were it by calls, the slower an account was called the longer
-- it would stay slow: half an hour for a few 503 in a row.
local LARGEST, GROWTH, HALVING = 16, 2, 60
local have = call('HMGET', KEYS[1], 'd', 'u', 'f')
local due, paused, factor = tonumber(have[1]) or 0, tonumber(have[2]) or 0, tonumber(have[3]) or 1
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local halving = math.max(1, interval * HALVING)
local granted, start, step = 0, 0, interval
-- How many times slower than at full pace the account is called at an instant.
local function slowness(at) return math.max(1, factor * 2 ^ ((paused - at) / halving)) end
if wanted == 0 then
    -- One refusal of a burst slows down; the others that were on their way say nothing new.
    if paused <= now then factor = math.min(LARGEST, slowness(now) * GROWTH) end
    paused = math.max(paused, now + tonumber(ARGV[5]))
else
    start = math.max(now, paused)
    local slowed = slowness(start)
    step = math.ceil(interval * slowed)
    start = math.max(start, due - step * (burst - 1))
    if start - now <= tonumber(ARGV[4]) then
        -- A slice lasts no longer for being slow: whoever holds one learns of the next pause, and of the peace after it.
        granted = math.max(1, math.floor(wanted / slowed))
        due = math.max(due, start) + step * granted
    end
end
local calm = paused + halving * math.log(factor) / math.log(2)
call('HSET', KEYS[1], 'd', string.format('%d', due), 'u', string.format('%d', paused), 'f', string.format('%.3f', factor))
call('PEXPIRE', KEYS[1], math.ceil(math.max(due, calm, now) - now) + 1000)
return { granted, math.ceil(start - now), step }
