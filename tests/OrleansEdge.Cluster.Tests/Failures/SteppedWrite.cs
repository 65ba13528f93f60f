using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using StackExchange.Redis;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>What is done with a domain.</summary>
public enum WriteKind
{
    /// <summary>It is put for the first time.</summary>
    Create,

    /// <summary>WebSocket, which was off, is switched on.</summary>
    Change,

    /// <summary>It is deleted.</summary>
    Delete,
}

/// <summary>A write of a domain of its own, in the midst of which the silo is killed.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Step">At which step of it the silo is killed, from 1.</param>
/// <param name="IsMade">Whether Redis has made that step.</param>
public sealed record SteppedWrite(WriteKind Kind, int Step, bool IsMade)
{
    private const string Tenant = "acme";

    /// <summary>The domain.</summary>
    public string Domain { get; } = $"{Kind}-{Step}-{(IsMade ? "made" : "asked")}.example.com".ToLowerInvariant();

    /// <summary>Version before the write; 0: there was none.</summary>
    public long Before => Kind == WriteKind.Create ? 0 : 1;

    /// <summary>Whether it was answered that the write is made.</summary>
    public bool IsAcknowledged { get; private set; }

    /// <summary>Whether the silo was killed meanwhile; false: the write has fewer steps.</summary>
    public bool IsKilled { get; set; }

    /// <summary>Makes the domain that is to be changed.</summary>
    public async Task PrepareAsync(EdgeAdmin admin, int originPort)
    {
        if (Before > 0)
        {
            await PutAsync(admin, originPort, isEnabled: false);
        }
    }

    /// <summary>Sends the write and notes whether it was acknowledged.</summary>
    public async Task SendAsync(EdgeAdmin admin, int originPort)
    {
        try
        {
            if (Kind == WriteKind.Delete)
            {
                using var answer = await admin.Http.DeleteAsync($"domains/{Domain}");
                answer.EnsureSuccessStatusCode();
            }
            else
            {
                await PutAsync(admin, originPort, isEnabled: true);
            }

            IsAcknowledged = true;
        }
        catch (HttpRequestException)
        {
            // Refused, or nothing was heard.
        }
    }

    /// <summary>Puts the domain, with WebSocket on or off.</summary>
    public Task PutAsync(EdgeAdmin admin, int originPort, bool isEnabled)
        => admin.PutDomainAsync(Domain, originPort, Tenant, new() { ["enabled"] = isEnabled });

    /// <summary>What stands in Redis, which asks no silo that could finish the write by the way.</summary>
    public async Task<StoredDomain> ReadStoredAsync(IDatabaseAsync redis)
    {
        var data = (string?)await redis.HashGetAsync($"orleansedge/state/domain/{Domain}/domain", "data");
        var versions = data is null ? [] : JsonNode.Parse(data)!["versions"]!.AsArray().Select(static version => version!).ToList();
        var newest = (string?)versions.LastOrDefault()?["json"];
        return new([.. versions.Select(static version => (long)version["version"]!)], newest is null ? null : JsonNode.Parse(newest));
    }

    /// <inheritdoc/>
    public override string ToString() => Domain;
}

/// <summary>A domain as it stands in Redis.</summary>
/// <param name="Versions">Numbers of its versions, oldest first.</param>
/// <param name="Document">The newest; <see langword="null"/>: there is none, or it was deleted.</param>
public sealed record StoredDomain(IReadOnlyList<long> Versions, JsonNode? Document)
{
    /// <summary>What a handshake for it is answered.</summary>
    public string Answer => Document is null ? "404 domain_unknown" : (bool)Document["webSocket"]!["enabled"]! ? "101" : "403 websocket_disabled";
}
