using System.Text.Json;
using OrleansEdge.Cluster.Tests.Mesh;
using StackExchange.Redis;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>The membership as Orleans keeps it in Redis.</summary>
internal static class Membership
{
    private const string Key = "orleansedge/members/orleansedge";

    /// <summary>Status of the last life of a silo; <see langword="null"/>: it has never been there.</summary>
    public static async Task<string?> StatusAsync(RedisServer redis, SiloProcess silo)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.Address);
        return await StatusAsync(connection.GetDatabase(), silo);
    }

    /// <summary>Waits until a silo has a status.</summary>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> WaitForAsync(RedisServer redis, SiloProcess silo, string status, TimeSpan deadline)
    {
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis.Address);
        var began = TimeProvider.System.GetTimestamp();
        while (await StatusAsync(connection.GetDatabase(), silo) is var found && found != status)
        {
            var passed = TimeProvider.System.GetElapsedTime(began);
            Assert.True(passed < deadline, $"{silo.Name} is {found}, not {status}, after {passed.TotalSeconds:0.#} s.\n{silo.Process.Transcript()}");
            await Task.Delay(50);
        }

        return TimeProvider.System.GetElapsedTime(began);
    }

    private static async Task<string?> StatusAsync(IDatabaseAsync redis, SiloProcess silo)
    {
        var rows = await redis.HashGetAllAsync(Key);
        return rows.Select(static row => (Name: (string)row.Name!, Value: (string)row.Value!))
            .Where(row => row.Name.Contains($":{silo.SiloPort}:", StringComparison.Ordinal))
            .OrderBy(static row => row.Name, StringComparer.Ordinal)
            .Select(static row => StatusOf(JsonDocument.Parse(row.Value).RootElement))
            .LastOrDefault();
    }

    private static string StatusOf(JsonElement entry) => entry.GetProperty("Status") is { ValueKind: JsonValueKind.Number } number
        ? ((Orleans.Runtime.SiloStatus)number.GetInt32()).ToString()
        : entry.GetProperty("Status").GetString()!;
}
