using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>A gateway; the key is its name. Nothing of it is stored.</summary>
[Alias("OrleansEdge.IGatewayGrain")]
public interface IGatewayGrain : IGrainWithStringKey
{
    /// <summary>Says that the gateway lives. Every <see cref="GatewayBeats.Interval"/>.</summary>
    /// <param name="process">Which process this is: two must not have one name.</param>
    /// <param name="gateway">What it is and does.</param>
    /// <param name="commands">Where it takes commands.</param>
    /// <returns>False: another living process has the name.</returns>
    [Alias("Beat")]
    Task<bool> BeatAsync(Guid process, GatewayWire gateway, IGatewayCommands commands);

    /// <summary>Says that the process ends now.</summary>
    [Alias("Leave")]
    Task LeaveAsync(Guid process);

    /// <summary>What it is and does; <see langword="null"/>: it was not heard of for long.</summary>
    [Alias("Describe")]
    Task<GatewayWire?> DescribeAsync();

    /// <summary>Tells it to drain; fails with not found where it is not heard of.</summary>
    [Alias("Drain")]
    Task<Reply<GatewayWire>> DrainAsync();

    /// <summary>Open sessions by id; none where it is not heard of.</summary>
    [Alias("ListSessions")]
    Task<SessionWire[]> ListSessionsAsync(string? domain, string? tenant, string? after, int limit);

    /// <summary>Ends a session.</summary>
    /// <returns>Whether it was open there.</returns>
    [Alias("EndSession")]
    Task<bool> EndSessionAsync(string id);

    /// <summary>Version of a domain that it has; 0: none, or it is not heard of.</summary>
    [Alias("VersionOf")]
    Task<long> VersionOfAsync(string domain);
}

/// <summary>All gateways that there are; one grain, key 0.</summary>
[Alias("OrleansEdge.IGatewayListGrain")]
public interface IGatewayListGrain : IGrainWithIntegerKey
{
    /// <summary>Notes that a gateway lives; told at its first beat, and each minute.</summary>
    [Alias("Note")]
    Task NoteAsync(string name);

    /// <summary>Names, ordinal, of those that were heard of within a day.</summary>
    [Alias("List")]
    Task<string[]> ListAsync();
}

/// <summary>What a gateway does when it is told to.</summary>
[Alias("OrleansEdge.IGatewayCommands")]
public interface IGatewayCommands : IGrainObserver
{
    /// <summary>Begins to drain.</summary>
    [Alias("Drain")]
    Task<GatewayWire> DrainAsync();

    /// <summary>As <see cref="IGatewayGrain.ListSessionsAsync"/>.</summary>
    [Alias("ListSessions")]
    Task<SessionWire[]> ListSessionsAsync(string? domain, string? tenant, string? after, int limit);

    /// <summary>As <see cref="IGatewayGrain.EndSessionAsync"/>.</summary>
    [Alias("EndSession")]
    Task<bool> EndSessionAsync(string id);

    /// <summary>As <see cref="IGatewayGrain.VersionOfAsync"/>.</summary>
    [Alias("VersionOf")]
    Task<long> VersionOfAsync(string domain);
}

/// <summary>How often gateways are heard of.</summary>
public static class GatewayBeats
{
    /// <summary>Time between two beats.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>Who was not heard of for as long is lost.</summary>
    public static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(10);
}

/// <summary>A gateway as <see cref="GatewayInfo"/> has it.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.GatewayWire")]
public sealed record GatewayWire(
    [property: Id(0)] string Name,
    [property: Id(1)] DateTimeOffset StartedAt,
    [property: Id(2)] GatewayState State,
    [property: Id(3)] int Sessions,
    [property: Id(4)] string Version)
{
    /// <summary>See <see cref="GatewayInfo.Orphaned"/>.</summary>
    [Id(5)]
    public int Orphaned { get; init; }

    /// <summary>From the port's.</summary>
    public static GatewayWire Of(GatewayInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        return new(info.Name, info.StartedAt, info.State, info.Sessions, info.Version) { Orphaned = info.Orphaned };
    }

    /// <summary>As the port has it.</summary>
    public GatewayInfo ToInfo()
        => new() { Name = Name, StartedAt = StartedAt, State = State, Sessions = Sessions, Version = Version, Orphaned = Orphaned };
}

/// <summary>An open session as <see cref="SessionInfo"/> has it.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.SessionWire")]
public sealed record SessionWire
{
    /// <summary>See <see cref="SessionInfo.Id"/>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>See <see cref="SessionInfo.Domain"/>.</summary>
    [Id(1)]
    public required string Domain { get; init; }

    /// <summary>See <see cref="SessionInfo.Tenant"/>.</summary>
    [Id(2)]
    public required string Tenant { get; init; }

    /// <summary>See <see cref="SessionInfo.Gateway"/>.</summary>
    [Id(3)]
    public required string Gateway { get; init; }

    /// <summary>See <see cref="SessionInfo.Client"/>.</summary>
    [Id(4)]
    public required string Client { get; init; }

    /// <summary>See <see cref="SessionInfo.Origin"/>.</summary>
    [Id(5)]
    public required string Origin { get; init; }

    /// <summary>See <see cref="SessionInfo.Protocol"/>.</summary>
    [Id(6)]
    public required string Protocol { get; init; }

    /// <summary>See <see cref="SessionInfo.Subprotocol"/>.</summary>
    [Id(7)]
    public string? Subprotocol { get; init; }

    /// <summary>See <see cref="SessionInfo.StartedAt"/>.</summary>
    [Id(8)]
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>See <see cref="SessionInfo.LastActivityAt"/>.</summary>
    [Id(9)]
    public required DateTimeOffset LastActivityAt { get; init; }

    /// <summary>See <see cref="SessionInfo.BytesUp"/>.</summary>
    [Id(10)]
    public long BytesUp { get; init; }

    /// <summary>See <see cref="SessionInfo.BytesDown"/>.</summary>
    [Id(11)]
    public long BytesDown { get; init; }

    /// <summary>See <see cref="SessionInfo.MessagesUp"/>.</summary>
    [Id(12)]
    public long MessagesUp { get; init; }

    /// <summary>See <see cref="SessionInfo.MessagesDown"/>.</summary>
    [Id(13)]
    public long MessagesDown { get; init; }

    /// <summary>From the port's.</summary>
    public static SessionWire Of(SessionInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        return new()
        {
            Id = info.Id,
            Domain = info.Domain,
            Tenant = info.Tenant,
            Gateway = info.Gateway,
            Client = info.Client,
            Origin = info.Origin,
            Protocol = info.Protocol,
            Subprotocol = info.Subprotocol,
            StartedAt = info.StartedAt,
            LastActivityAt = info.LastActivityAt,
            BytesUp = info.BytesUp,
            BytesDown = info.BytesDown,
            MessagesUp = info.MessagesUp,
            MessagesDown = info.MessagesDown,
        };
    }

    /// <summary>As the port has it.</summary>
    public SessionInfo ToInfo() => new()
    {
        Id = Id,
        Domain = Domain,
        Tenant = Tenant,
        Gateway = Gateway,
        Client = Client,
        Origin = Origin,
        Protocol = Protocol,
        Subprotocol = Subprotocol,
        StartedAt = StartedAt,
        LastActivityAt = LastActivityAt,
        BytesUp = BytesUp,
        BytesDown = BytesDown,
        MessagesUp = MessagesUp,
        MessagesDown = MessagesDown,
    };
}
