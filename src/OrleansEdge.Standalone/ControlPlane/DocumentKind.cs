using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>What a store must know of one kind of document. Immutable.</summary>
/// <typeparam name="T">The document.</typeparam>
internal sealed record DocumentKind<T>
    where T : class
{
    /// <summary>The word for it in audit and messages: <c>domain</c>.</summary>
    public required string Word { get; init; }

    /// <summary>Name of its folder: <c>domains</c>.</summary>
    public required string Folder { get; init; }

    /// <summary>The form in which names are compared.</summary>
    public required Func<string, string> Normalize { get; init; }

    /// <summary>What is wrong with a name, or null.</summary>
    public required Func<string, string?> ValidateName { get; init; }

    /// <summary>Reads a document that must have this name; what was accepted once is read with <see cref="DocumentRules.Stored"/>.</summary>
    public required Func<ReadOnlyMemory<byte>, string, DocumentRules, ConfigResult<T>> Parse { get; init; }

    public required Func<T, byte[]> Write { get; init; }

    /// <summary>The name for a file name without extension; null where it is none.</summary>
    public string? NameOf(string stem)
    {
        var name = stem.StartsWith("_.", StringComparison.Ordinal) ? $"*{stem[1..]}" : stem;
        return ValidateName(name) is null && Normalize(name) == name && DocumentStem.Of(name) == stem ? name : null;
    }
}

/// <summary>File names of documents, without extension.</summary>
internal static class DocumentStem
{
    /// <summary>Most characters of a stem: with its extension a file name has at most 255.</summary>
    public const int MaxLength = 250;

    /// <summary>The stem of a name: the star of a wildcard, which shells expand, becomes <c>_</c>, which begins no label.</summary>
    public static string Of(string name) => name.StartsWith("*.", StringComparison.Ordinal) ? $"_{name[1..]}" : name;
}

/// <summary>Which rules a document is read by.</summary>
internal enum DocumentRules
{
    /// <summary>Those for a new document.</summary>
    New,

    /// <summary>Those that every document passed that was ever accepted, whatever was set or existed then.</summary>
    Stored,
}
