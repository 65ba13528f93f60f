namespace OrleansEdge.Model;

/// <summary>One fault of a document.</summary>
/// <param name="Path">Where, e.g. <c>webSocket.timeoutSeconds</c> or <c>origins[0].address</c>; empty for the document as a whole.</param>
/// <param name="Message">The rule and what breaks it, e.g. <c>301 is over 300</c>.</param>
public sealed record ConfigError(string Path, string Message);

/// <summary>A document, or all its faults.</summary>
public readonly struct ConfigResult<T>
    where T : class
{
    /// <summary>A valid document.</summary>
    public ConfigResult(T value)
    {
        Value = value;
        Errors = [];
    }

    /// <summary>The faults of an invalid one, at least one.</summary>
    public ConfigResult(IReadOnlyList<ConfigError> errors) => Errors = errors;

    /// <summary>The document; <see langword="null"/> where there are faults.</summary>
    public T? Value { get; }

    /// <summary>The faults, in the order of the document; empty where there is a value.</summary>
    public IReadOnlyList<ConfigError> Errors { get; }
}

/// <summary>Faults as text.</summary>
public static class ConfigErrors
{
    private const int FaultsInText = 10;

    /// <summary>Faults as one line, of which there may be thousands.</summary>
    public static string Text(this IReadOnlyList<ConfigError> faults)
    {
        var some = faults.Take(FaultsInText).Select(static fault => fault.Path.Length == 0 ? fault.Message : $"{fault.Path}: {fault.Message}");
        var text = string.Join("; ", some);
        return faults.Count > FaultsInText ? $"{text}; and {faults.Count - FaultsInText} more" : text;
    }
}
