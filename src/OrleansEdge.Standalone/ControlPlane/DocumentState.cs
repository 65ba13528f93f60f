using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>What is known of one name. Immutable, replaced whole.</summary>
/// <param name="Stem">Its file name without extension.</param>
/// <typeparam name="T">The document.</typeparam>
internal sealed record DocumentState<T>(string Stem)
    where T : class
{
    /// <summary>The name, or the file name where that is none.</summary>
    public required string Name { get; init; }

    /// <summary>Newest version; 0: there never was one.</summary>
    public long Version { get; init; }

    /// <summary>The document in force; null: none.</summary>
    public T? Document { get; init; }

    /// <summary>What is wrong with the file.</summary>
    public IReadOnlyList<ConfigError> Faults { get; init; } = [];

    /// <summary>The file as it was last read.</summary>
    public FileStamp Stamp { get; init; }

    /// <summary>When the file was first seen to be missing, as a timestamp of the clock.</summary>
    public long? MissingSince { get; init; }

    /// <summary>Whether the newest version has not reached the file.</summary>
    public bool IsUnapplied { get; init; }

    public bool IsBroken => Faults.Count > 0;
}
