-- What every script of a shard shares; the client puts this file in front of each of the others.
-- By hand: cat shard.lua enqueue.lua | redis-cli -x SCRIPT LOAD
--          redis-cli EVALSHA <sha> 1 '{s003}' 0 1 42 outbound 1 0 1
--
-- KEYS[1]  the shard's name with its hash tag; every key of the shard starts with it, so that one script stays in one
--          slot. Keys of tenants and workers are built from it and can't be declared.
-- ARGV[1]  milliseconds to add to the server's clock (0 in production)
-- ARGV[2]  jobs of one tenant that may run at once, unless its hash says otherwise
--
--   S:shard        HASH  epoch (absent: this Redis was wiped), seq, run, queued, running, c0 c1 c2 (class credit)
--   S:ring:<c>     LIST  tenants with work of class c that may run now, each at most once
--   S:t:<tenant>   HASH  w weight, m max concurrency, p why paused, u parked until (all classes), n running,
--                        per class: s standing, q first entries, o entries in the list, d deficit, u parked until
--                        per job:   j<kind> where the job is
--   S:q:<tenant>:<c> LIST  entries that did not fit into q
--   S:delay        ZSET  tenant,kind by due time      S:park  ZSET  tenant,class by wake time
--   S:w            ZSET  workers by deadline          S:own:<worker>  HASH  token -> lease
--   S:dead ZSET, S:why HASH  dead letters             S:paused SET    S:wake LIST  at most one token
--
-- standing: '' idle, r in the ring, p parked, m at its concurrency limit, x paused
-- entry:    kind,attempt,deaths,enqueued ms,cost    ("attempt,deaths,enqueued,cost" is the job's meta)
-- j:        q<c>[,meta] queued (meta when in the list), d<c>,due,meta delayed, r<token> running,
--           R<token>,c,due running and asked for again, x dead
-- Absent fields stand for zero, so a tenant without settings and without jobs costs nothing.
local call = redis.call
local S = KEYS[1]
local SHARD, DELAY, PARK = S .. ':shard', S .. ':delay', S .. ':park'
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local MAX_RUNNING = tonumber(ARGV[2])
-- Numbers that become text by themselves go through %.17g, which is slow; whole numbers go through this.
local function whole(number) return string.format('%d', number) end
local NOW = whole(now)
-- A hash keeps its compact form while no value is longer than 64 bytes.
local INLINE = 64

local head = call('HMGET', SHARD, 'epoch', 'seq', 'queued', 'running', 'c0', 'c1', 'c2')
if not head[1] then return redis.error_reply('GENERATION the shard has no generation mark') end

local ringed = { [0] = {}, {}, {} }
local queued, running = 0, 0

local function tenantKey(tenant) return S .. ':t:' .. tenant end

-- Where a tenant with work of class c belongs; parks it when it, or the class, is parked until later.
local function stand(tenant, c, paused, u, uc, n, m)
    if paused then return 'x' end
    local wake = u and tonumber(string.match(u, '^%d+')) or 0
    if uc then wake = math.max(wake, tonumber(string.match(uc, '^%d+'))) end
    if wake > now then
        call('ZADD', PARK, wake, tenant .. ',' .. c)
        return 'p'
    end
    if n >= m then return 'm' end
    return 'r'
end

local function enring(tenant, c)
    local list = ringed[tonumber(c)]
    list[#list + 1] = tenant
end

-- Queues a job; t are the tenant's fields when the caller has read them already.
local function push(tenant, c, kind, meta, t)
    local key = tenantKey(tenant)
    t = t or call('HMGET', key, 'q' .. c, 'o' .. c, 's' .. c, 'p', 'u', 'u' .. c, 'n', 'm')
    local q, o, s = t[1] or '', tonumber(t[2]) or 0, t[3] or ''
    local entry = kind .. ',' .. meta
    local set = { 'j' .. kind, 'q' .. c }
    if o > 0 or #q + #entry + 1 > INLINE then
        call('RPUSH', S .. ':q:' .. tenant .. ':' .. c, entry)
        set[2] = 'q' .. c .. ',' .. meta
        set[3], set[4] = 'o' .. c, whole(o + 1)
    else
        set[3], set[4] = 'q' .. c, q .. entry .. ' '
    end
    if s == '' then
        s = stand(tenant, c, t[4], t[5], t[6], tonumber(t[7]) or 0, tonumber(t[8]) or MAX_RUNNING)
        if s == 'r' then enring(tenant, c) end
        set[5], set[6] = 's' .. c, s
    end
    call('HSET', key, unpack(set))
    queued = queued + 1
end

-- Queues a job now, or when it is due.
local function put(tenant, c, kind, due, meta, t)
    if due <= now then return push(tenant, c, kind, meta, t) end
    due = whole(due)
    call('ZADD', DELAY, due, tenant .. ',' .. kind)
    call('HSET', tenantKey(tenant), 'j' .. kind, 'd' .. c .. ',' .. due .. ',' .. meta)
end

-- Takes a queued job out of its queue and returns its meta. An emptied queue is noticed at the tenant's next visit.
local function pull(tenant, kind, j)
    local c, meta = string.match(j, '^q(%d),?(.*)$')
    local key = tenantKey(tenant)
    queued = queued - 1
    if meta ~= '' then
        call('LREM', S .. ':q:' .. tenant .. ':' .. c, 1, kind .. ',' .. meta)
        call('HINCRBY', key, 'o' .. c, -1)
        return meta
    end
    local kept = ''
    for entry in string.gmatch(call('HGET', key, 'q' .. c), '%S+') do
        local name, rest = string.match(entry, '^([^,]+),(.*)$')
        if name == kind then meta = rest else kept = kept .. entry .. ' ' end
    end
    call('HSET', key, 'q' .. c, kept)
    return meta
end

-- Puts a job aside until a human decides.
local function bury(tenant, c, kind, meta, code)
    local name = tenant .. ',' .. kind
    call('ZADD', S .. ':dead', NOW, name)
    call('HSET', S .. ':why', name, c .. ',' .. meta .. ',' .. code)
    call('HSET', tenantKey(tenant), 'j' .. kind, 'x')
end

-- Ends a lease that its owner's hash no longer has: the tenant gets its place back.
-- Returns class and due time of the run asked for meanwhile, if any.
local function release(tenant, kind)
    local key = tenantKey(tenant)
    local t = call('HMGET', key, 'n', 'm', 'p', 's0', 's1', 's2', 'j' .. kind)
    local n, m = (tonumber(t[1]) or 1) - 1, tonumber(t[2]) or MAX_RUNNING
    local set, gone = {}, { 'j' .. kind }
    if n > 0 then set[1], set[2] = 'n', whole(n) else gone[2] = 'n' end
    for c = 0, 2 do
        local s = t[4 + c]
        if s == 'm' and n < m then
            set[#set + 1] = 's' .. c
            set[#set + 1] = t[3] and 'x' or 'r'
            if not t[3] then enring(tenant, c) end
        elseif s == '' then
            local g = #gone
            gone[g + 1], gone[g + 2], gone[g + 3], gone[g + 4] = 's' .. c, 'q' .. c, 'o' .. c, 'd' .. c
        end
    end
    if set[1] then call('HSET', key, unpack(set)) end
    call('HDEL', key, unpack(gone))
    running = running - 1
    local class, due = string.match(t[7] or '', '^R%d+,(%d),(%d+)$')
    return class, tonumber(due)
end

-- A lease goes back to its queue unfinished. A death counts against the job; maxDeaths of them bury it.
local function giveBack(lease, maxDeaths)
    local tenant, kind, c, attempt, deaths, enqueued, cost =
        string.match(lease, '^(%-?%d+),([^,]+),(%d),(%d+),(%d+),(%d+),(%d+)')
    local class = release(tenant, kind)
    if class and class < c then c = class end
    if maxDeaths then deaths = deaths + 1 end
    local meta = attempt .. ',' .. deaths .. ',' .. enqueued .. ',' .. cost
    if maxDeaths and deaths >= maxDeaths then return bury(tenant, c, kind, meta, 'worker_lost') end
    push(tenant, c, kind, meta)
end

-- Tells one waiting worker that there is something to lease. The token stays until somebody takes it; the worker that
-- does and leaves work behind puts a new one, so no herd is ever woken.
local function wake()
    if call('EXISTS', S .. ':wake') == 0 then call('RPUSH', S .. ':wake', 1) end
end

-- Appends the tenants that became ready to their rings; returns whether there were any.
local function flushRings()
    local any = false
    for c = 0, 2 do
        if ringed[c][1] then
            call('RPUSH', S .. ':ring:' .. c, unpack(ringed[c]))
            ringed[c] = {}
            any = true
        end
    end
    return any
end

-- Ends every script that changes jobs, the lease script aside.
local function finish()
    if flushRings() then wake() end
    if queued ~= 0 or running ~= 0 then
        call('HSET', SHARD, 'queued', (tonumber(head[3]) or 0) + queued, 'running', (tonumber(head[4]) or 0) + running)
    end
end
