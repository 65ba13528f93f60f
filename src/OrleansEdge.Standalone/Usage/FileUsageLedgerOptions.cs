namespace OrleansEdge.Standalone.Usage;

/// <summary>How <see cref="FileUsageLedger"/> works.</summary>
public sealed class FileUsageLedgerOptions
{
    /// <summary>How long a source may be unheard before it is declared dead. Default 24 h.</summary>
    public TimeSpan DeadAfter { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Size in bytes from which on the journal is moved into the hours' files. Default 8 MiB, which a start reads in half a
    /// second.</summary>
    public long JournalBytes { get; init; } = 8 << 20;
}
