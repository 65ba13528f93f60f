using Orleans.Concurrency;
using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>One document with its versions. Every change is durable when it is answered without a failure, and will be at every gateway;
/// one that times out may have been made.</summary>
[Alias("OrleansEdge.IDocumentGrain")]
public interface IDocumentGrain : IGrain
{
    /// <summary>The document in force; fails with not found.</summary>
    [Alias("Get")]
    [AlwaysInterleave]
    Task<Reply<DocumentWire>> GetAsync();

    /// <summary>Creates or replaces the document.</summary>
    /// <param name="json">The document, UTF-8; validated here, all faults at once.</param>
    /// <param name="precondition">What must hold of the current version.</param>
    /// <param name="by">Who asks.</param>
    [Alias("Put")]
    Task<Reply<DocumentWire>> PutAsync(byte[] json, PreconditionWire precondition, string by);

    /// <summary>Deletes the document; the answer holds the version of the deletion.</summary>
    [Alias("Delete")]
    Task<Reply<long>> DeleteAsync(PreconditionWire precondition, string by);

    /// <summary>Kept versions, newest first; fails with not found where there never was one.</summary>
    [Alias("ListVersions")]
    Task<Reply<PageWire<VersionWire>>> ListVersionsAsync(PageRequestWire page);

    /// <summary>Puts the document of a kept version again.</summary>
    [Alias("Rollback")]
    Task<Reply<DocumentWire>> RollbackAsync(long version, PreconditionWire precondition, string by);

    /// <summary>Finishes what a crash may have cut off behind the newest version: its line of the audit and its entry in the feed.</summary>
    /// <returns>The revision that the feed has been told.</returns>
    [Alias("Settle")]
    Task<long> SettleAsync();

    /// <summary>As <see cref="GetAsync"/>, of what the store holds now, whatever this activation knew: for who has reason to think that the
    /// store went back.</summary>
    [Alias("Reread")]
    Task<Reply<DocumentWire>> RereadAsync();
}

/// <summary>A domain; the key is its normalised name.</summary>
[Alias("OrleansEdge.IDomainGrain")]
public interface IDomainGrain : IDocumentGrain, IGrainWithStringKey
{
    /// <summary>Offers the document of a domain that the store lost when it went back. It is taken where the store has no record of the
    /// name, or none but one that was restored at a lower version, and where it is valid: its tenant exists.</summary>
    /// <param name="json">The document as it is in force, UTF-8.</param>
    /// <param name="version">Its version, from 1; where it is taken it becomes the domain's.</param>
    /// <param name="by">Name of the gateway that offers it.</param>
    /// <returns>The version that stands from now on, which the feed tells of: the one offered, or another, which may be a deletion. Or why
    /// it cannot be taken now: offer it again.</returns>
    [Alias("Offer")]
    Task<Reply<long>> OfferAsync(byte[] json, long version, string by);
}

/// <summary>A tenant; the key is its id.</summary>
[Alias("OrleansEdge.ITenantGrain")]
public interface ITenantGrain : IDocumentGrain, IGrainWithStringKey
{
    /// <summary>Whether it exists.</summary>
    [Alias("Exists")]
    [AlwaysInterleave]
    Task<bool> ExistsAsync();

    /// <summary>Notes that a domain belongs to it from now on, or may soon.</summary>
    /// <returns>False: there is no such tenant.</returns>
    [Alias("TryEnter")]
    Task<bool> TryEnterAsync(string domain);

    /// <summary>Notes that a domain belongs to it no more.</summary>
    [Alias("Leave")]
    Task LeaveAsync(string domain);

    /// <summary>Says what of its prepaid traffic is used up; every gateway learns it.</summary>
    [Alias("SetExhausted")]
    Task SetExhaustedAsync(ExhaustedQuota exhausted);
}

/// <summary>A document and its version.</summary>
/// <param name="Json">UTF-8, as it is served.</param>
/// <param name="Version">From 1.</param>
/// <param name="Created">After a put: whether there was none before.</param>
/// <param name="At">When the version was made, UTC.</param>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.DocumentWire")]
public sealed record DocumentWire(
    [property: Id(0)] byte[] Json, [property: Id(1)] long Version, [property: Id(2)] bool Created, [property: Id(3)] DateTimeOffset At);

/// <summary>A kept version; <paramref name="Json"/> is <see langword="null"/> for a deletion.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.VersionWire")]
public sealed record VersionWire(
    [property: Id(0)] long Version, [property: Id(1)] DateTimeOffset At, [property: Id(2)] string By, [property: Id(3)] byte[]? Json);

/// <summary>What must hold of the current version.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.PreconditionWire")]
public sealed record PreconditionWire([property: Id(0)] long? IfMatch, [property: Id(1)] bool IfNoneMatch, [property: Id(2)] bool MustExist)
{
    /// <summary>From the port's.</summary>
    public static PreconditionWire Of(Precondition precondition) => new(precondition.IfMatch, precondition.IfNoneMatch, precondition.MustExist);

    /// <summary>As the port has it.</summary>
    public Precondition ToPrecondition() => new(IfMatch, IfNoneMatch, MustExist);
}
