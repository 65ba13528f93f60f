namespace OrleansEdge.Model;

/// <summary>What the admin API calls: all operations on documents, usage, sessions and gateways. One of the three ports between data
/// plane and control plane. Thread safe. Expected refusals are values (<see cref="ControlFailure"/>), never exceptions; an
/// answer without a failure means that the change is durable and, on one machine, in force.</summary>
/// <remarks>Names are normalised by the implementation. <c>by</c> is who asks, as the audit shows it.</remarks>
public interface IControlPlane
{
    /// <summary>Domain documents.</summary>
    IDocumentStore<DomainConfig> Domains { get; }

    /// <summary>Tenant documents. Deleting one that has domains fails with <see cref="ControlFailureKind.Conflict"/>.</summary>
    IDocumentStore<TenantConfig> Tenants { get; }

    /// <summary>Usage, plans and statements.</summary>
    IBilling Billing { get; }

    /// <summary>Which gateway has which version of a domain; fails with not found for an unknown domain.</summary>
    Task<ControlResult<Page<DomainOnGateway>>> ListDomainGatewaysAsync(string domain, PageRequest page, CancellationToken cancellationToken);

    /// <summary>Open sessions, ordered by id.</summary>
    Task<ControlResult<Page<SessionInfo>>> ListSessionsAsync(SessionFilter filter, PageRequest page, CancellationToken cancellationToken);

    /// <summary>Ends a session (<see cref="EndCause.ClosedByOperator"/>); fails with not found where it is not open.</summary>
    Task<ControlResult<bool>> EndSessionAsync(string id, string by, CancellationToken cancellationToken);

    /// <summary>Gateways, ordered by name.</summary>
    Task<ControlResult<Page<GatewayInfo>>> ListGatewaysAsync(PageRequest page, CancellationToken cancellationToken);

    /// <summary>Tells a gateway to drain and exit; answers when it has begun.</summary>
    Task<ControlResult<GatewayInfo>> DrainGatewayAsync(string name, string by, CancellationToken cancellationToken);

    /// <summary>What was done by whom, oldest first.</summary>
    Task<ControlResult<Page<AuditEntry>>> ListAuditAsync(PageRequest page, CancellationToken cancellationToken);

    /// <summary>Documents that are stored but cannot be served, with their faults. They stop nothing else.</summary>
    Task<ControlResult<Page<BrokenDocument>>> ListBrokenAsync(PageRequest page, CancellationToken cancellationToken);
}

/// <summary>Versioned documents of one kind. The last 50 versions are kept; versions of a name never restart; a deletion is a version.</summary>
/// <typeparam name="T">The document.</typeparam>
public interface IDocumentStore<T>
{
    /// <summary>The current document; fails with not found, or <see cref="ControlFailureKind.Broken"/> where what is stored cannot be read.</summary>
    Task<ControlResult<Versioned<T>>> GetAsync(string name, CancellationToken cancellationToken);

    /// <summary>Current documents, ordered by name (ordinal).</summary>
    Task<ControlResult<Page<T>>> ListAsync(PageRequest page, CancellationToken cancellationToken);

    /// <summary>Creates or replaces a document.</summary>
    /// <param name="name">The name under which it is put; it must be the document's own.</param>
    /// <param name="json">The document as it came, UTF-8; validated here, all faults at once.</param>
    /// <param name="precondition">What must hold of the current version.</param>
    /// <param name="by">Who asks.</param>
    /// <param name="cancellationToken">Gives up waiting; the change may be made all the same.</param>
    Task<ControlResult<PutOutcome<T>>> PutAsync(string name, ReadOnlyMemory<byte> json, Precondition precondition, string by, CancellationToken cancellationToken);

    /// <summary>Deletes a document; the answer holds the version of the deletion.</summary>
    Task<ControlResult<long>> DeleteAsync(string name, Precondition precondition, string by, CancellationToken cancellationToken);

    /// <summary>Kept versions, newest first, of a name that exists or existed.</summary>
    Task<ControlResult<Page<VersionEntry<T>>>> ListVersionsAsync(string name, PageRequest page, CancellationToken cancellationToken);

    /// <summary>Puts the document of a kept version again, as a new version, under the same validation as a put.</summary>
    Task<ControlResult<PutOutcome<T>>> RollbackAsync(string name, long version, Precondition precondition, string by, CancellationToken cancellationToken);
}

/// <summary>A document and its version, from 1.</summary>
public sealed record Versioned<T>(T Document, long Version);

/// <summary>Result of a put: the document in force, its version, and whether there was none before.</summary>
public sealed record PutOutcome<T>(T Document, long Version, bool Created);

/// <summary>One kept version. <paramref name="Document"/> is <see langword="null"/> where <paramref name="Deleted"/>.</summary>
public sealed record VersionEntry<T>(long Version, DateTimeOffset At, string By, bool Deleted, T? Document);

/// <summary>One line of the audit. <paramref name="Version"/> is <see langword="null"/> where the thing has none (a session, a gateway).</summary>
/// <param name="Id">Rising number as text, the cursor of the list.</param>
/// <param name="At">When, UTC.</param>
/// <param name="By">Who: the name of the admin key, <c>local</c> for a loopback caller without one, <c>file</c> for a document put there by hand, <c>edge</c>,
/// the name of the gateway that had a document which was restored.</param>
/// <param name="Action"><c>create</c>, <c>replace</c>, <c>delete</c>, <c>rollback</c>, <c>restored</c>, <c>end</c>, <c>drain</c>, <c>alert</c>.</param>
/// <param name="Kind"><c>domain</c>, <c>tenant</c>, <c>session</c>, <c>gateway</c>, <c>plan</c> (named <c>TENANT/ID</c>), <c>quota</c>
/// (<c>TENANT/KIND/PERCENT</c>).</param>
/// <param name="Name">Of the thing.</param>
/// <param name="Version">Of the document after the action.</param>
public sealed record AuditEntry(string Id, DateTimeOffset At, string By, string Action, string Kind, string Name, long? Version);

/// <summary>A stored document that cannot be served.</summary>
public sealed record BrokenDocument(string Kind, string Name, IReadOnlyList<ConfigError> Errors);

/// <summary>What must hold of the current version for a change to be made (RFC 9110 section 13).</summary>
/// <param name="IfMatch">The version that must be current; <see langword="null"/>: any or none.</param>
/// <param name="IfNoneMatch">The document must not exist.</param>
/// <param name="MustExist">The document must exist (<c>If-Match: *</c>).</param>
public readonly record struct Precondition(long? IfMatch = null, bool IfNoneMatch = false, bool MustExist = false);

/// <summary>Which sessions to list; <see langword="null"/> restricts nothing.</summary>
public readonly record struct SessionFilter(string? Domain = null, string? Tenant = null, string? Gateway = null);

/// <summary>A part of a list.</summary>
/// <param name="After">The <c>next</c> of the page before; <see langword="null"/>: from the beginning.</param>
/// <param name="Limit">Most items, 1–1000; 0, as in <c>default</c>, stands for <see cref="DefaultLimit"/>.</param>
public readonly record struct PageRequest(string? After = null, int Limit = PageRequest.DefaultLimit)
{
    /// <summary>Items of a page where nothing else was asked.</summary>
    public const int DefaultLimit = 100;

    /// <summary>Most items of a page.</summary>
    public const int MaxLimit = 1000;
}

/// <summary>One page. <paramref name="Next"/> is <see langword="null"/> on the last.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>An answer or a failure.</summary>
public readonly struct ControlResult<T>
{
    private readonly T? _value;

    private ControlResult(T? value, ControlFailure? failure)
    {
        _value = value;
        Failure = failure;
    }

    /// <summary><see langword="null"/> where there is an answer.</summary>
    public ControlFailure? Failure { get; }

    /// <summary>The answer.</summary>
    /// <exception cref="InvalidOperationException">There is a failure.</exception>
    public T Value => Failure is null ? _value! : throw new InvalidOperationException($"There is no answer: {Failure.Detail}");

    /// <summary>An answer.</summary>
    public static implicit operator ControlResult<T>(T value) => new(value, null);

    /// <summary>A failure.</summary>
    public static implicit operator ControlResult<T>(ControlFailure failure) => new(default, failure);
}

/// <summary>Why a call changed nothing.</summary>
/// <param name="Kind">What the caller can decide on.</param>
/// <param name="Code">Stable word for programs.</param>
/// <param name="Detail">Sentence for people.</param>
public sealed record ControlFailure(ControlFailureKind Kind, string Code, string Detail)
{
    /// <summary>All faults of an invalid document.</summary>
    public IReadOnlyList<ConfigError> Errors { get; init; } = [];
}

/// <summary>Kinds of failure.</summary>
public enum ControlFailureKind
{
    /// <summary>No such thing. Code <c>not_found</c>.</summary>
    NotFound,

    /// <summary>The document has faults. Code <c>config_invalid</c>.</summary>
    Invalid,

    /// <summary>The version is another. Code <c>precondition_failed</c>.</summary>
    PreconditionFailed,

    /// <summary>The state of something else forbids it. Code names what, e.g. <c>tenant_has_domains</c>.</summary>
    Conflict,

    /// <summary>The stored document cannot be read. Code <c>config_broken</c>.</summary>
    Broken,

    /// <summary>Try again later. Code <c>unavailable</c>.</summary>
    Unavailable,
}
