namespace OrleansEdge.Hosting.Settings;

/// <summary>The shape of the command line. What the settings mean is the schema's.</summary>
internal static class CommandLine
{
    /// <summary>One sentence for each argument that sets nothing.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="sections">Sections that settings of the process stand in.</param>
    public static IEnumerable<string> Check(IReadOnlyList<string> args, IReadOnlyList<string> sections)
    {
        for (var i = 0; i < args.Count; i++)
        {
            var takesNext = args[i].StartsWith("--", StringComparison.Ordinal) && !args[i].Contains('=', StringComparison.Ordinal);
            if (takesNext && (i + 1 == args.Count || args[i + 1].StartsWith("--", StringComparison.Ordinal)))
            {
                yield return $"The argument '{args[i]}' has no value: write {args[i]}=VALUE.";
            }
            else if (Fault(args[i], sections) is { } fault)
            {
                yield return fault;
            }
            else if (takesNext)
            {
                i++;
            }
        }
    }

    private static string? Fault(string arg, IReadOnlyList<string> sections)
    {
        if (!arg.StartsWith("--", StringComparison.Ordinal))
        {
            return $"The argument '{arg}' is not understood: settings are given as --Section:Key=value.";
        }

        var key = arg[2..].Split('=', 2)[0];
        var section = key.Split(':', 2)[0];
        var isKnown = sections.Contains(section, StringComparer.OrdinalIgnoreCase) || key.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase);
        return isKnown ? null : $"{key} is not a setting: those of the command line begin with {string.Join(", ", sections.Select(name => name + ":"))} or OTEL_.";
    }
}
