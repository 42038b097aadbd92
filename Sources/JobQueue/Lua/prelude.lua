-- What every script of a shard begins with: names of Lua's own functions, the clock, and the shard's head.
--
-- The client puts this file first and each of the others into a function of its own (ShardScript.swift), for a script makes
-- a hundred functions each time it runs. What a function takes from outside of the one around it is at hand; what stands
-- beside it is looked for in a list of all that was taken so far, which was a third of a small call. Lua bears 200 names in
-- each of these layers, and 60 that a layer takes from outside.
-- By hand: cat prelude.lua shard.lua enqueue.lua | redis-cli -x SCRIPT LOAD
--          redis-cli EVALSHA <sha> 1 '{s003}' 0 1 42 outbound 1 0 1
--
-- KEYS[1]  the shard's name with its hash tag; every key of the shard starts with it, so that one script stays in one
--          slot. Keys of workers and of big tenants are built from it and can't be declared.
-- ARGV[1]  milliseconds to add to the server's clock (0 in production)
-- ARGV[2]  jobs of one tenant that may run at once, unless its controls say otherwise
local call = redis.call
local byte, char, find, match, sub = string.byte, string.char, string.find, string.match, string.sub
local S = KEYS[1]
local SHARD, TENANTS, DELAY, PARK = S .. ':shard', S .. ':t', S .. ':delay', S .. ':park'
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local MAX_RUNNING = tonumber(ARGV[2])
-- Jobs a record holds; more of them go elsewhere, so that a record stays small enough to be copied at each change.
local INLINE = 16
local IDLE, READY, PARKED, FULL, PAUSED = byte('-'), byte('r'), byte('p'), byte('m'), byte('x')
local RUNS, RUNS_AGAIN = byte('r'), byte('R')
local ZERO = 8388608 -- deficits are stored as three bytes over this

-- Numbers that become text by themselves go through %.17g, which is slow; whole numbers go through this.
local function whole(number) return string.format('%d', number) end
local NOW = whole(now)

local head = call('HMGET', SHARD, 'epoch', 'seq', 'queued', 'running', 'c0', 'c1', 'c2')
if not head[1] then return redis.error_reply('GENERATION the shard has no generation mark') end

local ringed = { [0] = {}, {}, {} }
local queued, running = 0, 0
