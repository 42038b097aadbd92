-- Dead letters: jobs that failed too often, or for good.
-- ARGV[3] verb: list (ARGV[4] offset, [5] count), retry or discard (ARGV[4] tenant, [5] kind)
-- list returns name, when (ms), class,cost,attempt,deaths,enqueued,code for each, oldest first; the others 1 or 0.
local verb = ARGV[3]
if verb == 'list' then
    local from = tonumber(ARGV[4])
    local page = call('ZRANGE', S .. ':dead', from, from + tonumber(ARGV[5]) - 1, 'WITHSCORES')
    local answer = {}
    for i = 1, #page, 2 do
        answer[#answer + 1] = page[i]
        answer[#answer + 1] = page[i + 1]
        answer[#answer + 1] = call('HGET', S .. ':why', page[i])
    end
    return answer
end
local tenant, kind = ARGV[4], ARGV[5]
local name = tenant .. ',' .. kind
local about = call('HGET', S .. ':why', name)
if not about then return 0 end
call('ZREM', S .. ':dead', name)
call('HDEL', S .. ':why', name)
fetch({ tenant })
local t = tenants[tenant]
if peek(t, tenant, kind) then remove(t, tenant, kind) end
if verb == 'retry' then
    -- All counters start anew: a job that would die again at once was not retried.
    local c, cost = match(about, '^(%d),(%d+)')
    push(t, tenant, c, kind, ',' .. cost .. ',0,0,' .. NOW)
end
finish()
return 1
