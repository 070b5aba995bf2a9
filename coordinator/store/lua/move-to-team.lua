-- Moves an account from the team it is in, if any, to another one, or to none (''). Atomic, so that the
-- sizes of teams are those of their members.
--
-- keys: teams, team_of, sizes
-- args: account_id, team_id
-- returns: 1 done, 0 no such team

if team_id ~= '' and redis.call('HEXISTS', teams, team_id) == 0 then return 0 end
local before = redis.call('HGET', team_of, account_id) or ''
if before == team_id then return 1 end
if before ~= '' then
  redis.call('HINCRBY', sizes, before, -1)
  redis.call('HDEL', team_of, account_id)
end
if team_id ~= '' then
  redis.call('HSET', team_of, account_id, team_id)
  redis.call('HINCRBY', sizes, team_id, 1)
end
return 1
