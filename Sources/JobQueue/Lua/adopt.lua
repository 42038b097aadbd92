-- Puts the generation mark: this shard is filled (or about to be) from the record of truth. Stands alone, without
-- shard.lua. Tokens of a higher epoch are higher than all before.
-- KEYS[1] the shard, ARGV[1] epoch, ARGV[2] the server's run id. Returns the epoch that holds now.
local key = KEYS[1] .. ':shard'
local have = tonumber(redis.call('HGET', key, 'epoch'))
local wanted = tonumber(ARGV[1])
if have and have >= wanted then return have end
redis.call('HSET', KEYS[1] .. ':t', '', string.rep(' ', 65))
redis.call('HSET', key, 'epoch', wanted, 'run', ARGV[2])
return wanted
