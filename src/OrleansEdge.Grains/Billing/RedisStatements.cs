using System.Text.Json;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Billing;

/// <summary>Statements: made of the ledger, and kept in Redis once they are closed, exactly the JSON that is served. Thread safe.</summary>
internal sealed class RedisStatements(RedisStore redis, RedisUsageReader usage)
{
    /// <summary>A closed statement; null: it was not closed, or there is nothing on it.</summary>
    /// <exception cref="RedisDamageException">What stands there is no statement.</exception>
    public async Task<Statement?> FindAsync(string tenant, UsageMonth month)
    {
        var key = KeyOf(tenant, month);
        var json = (byte[]?)await redis.Database.StringGetAsync(key);
        try
        {
            return json is null ? null : StatementText.Parse(json);
        }
        catch (JsonException damage)
        {
            throw new RedisDamageException(key.ToString(), damage.Message, damage);
        }
    }

    /// <summary>Keeps a closed statement, unless there is one.</summary>
    /// <returns>The one that is there now.</returns>
    public async Task<Statement> KeepAsync(UsageMonth month, Statement statement)
    {
        var isKept = await redis.Database.StringSetAsync(KeyOf(statement.Tenant, month), StatementText.Json(statement), when: When.NotExists);
        return isKept ? statement : await FindAsync(statement.Tenant, month) ?? statement;
    }

    /// <summary>Reads what a calculation asks for.</summary>
    public async Task ReadAsync(string tenant, IEnumerable<UsageRequest> requests)
    {
        foreach (var request in requests)
        {
            if (request.WantsLate)
            {
                request.AddLate(await usage.ListAdjustmentsAsync(tenant, StatementPeriod.AdjustmentsFrom(request.Month), StatementPeriod.AdjustmentsTo(request.Month)));
            }

            if (request.From < request.To)
            {
                await foreach (var hour in usage.ReadAsync(tenant, request.From, request.To))
                {
                    request.AddHour(hour);
                }
            }
        }
    }

    private RedisKey KeyOf(string tenant, UsageMonth month) => redis.Key($"statements/{tenant}/{month}");
}
