namespace OrleansEdge.Standalone.Settings;

/// <summary>The shape of the command line. What the settings mean is the schema's.</summary>
internal static class CommandLine
{
    private static readonly string[] Sections = ["Edge", "Kestrel", "Logging"];

    /// <summary>Text of <c>--help</c>.</summary>
    public const string Help = """
        OrleansEdge.Standalone: a WebSocket edge in one process.

        Settings are given as --Section:Key=value, as environment variables (Section__Key=value) or in appsettings.json
        beside the program. The usual ones:
          --Edge:DataDirectory=PATH                       where documents lie
          --Kestrel:Endpoints:Edge:Url=http://*:8080      where clients connect
          --Kestrel:Endpoints:EdgeTls:Url=https://*:8443  the same with TLS (certificates: --Edge:Certificates:Directory=PATH)
          --Kestrel:Endpoints:Admin:Url=http://127.0.0.1:8081
          --Edge:AccessLog:Path=FILE                      default: standard output
          --Edge:Demo:Enabled=false                       no demo on the first start
        """;

    /// <summary>One sentence for each argument that sets nothing.</summary>
    public static IEnumerable<string> Check(IReadOnlyList<string> args)
    {
        for (var i = 0; i < args.Count; i++)
        {
            var takesNext = args[i].StartsWith("--", StringComparison.Ordinal) && !args[i].Contains('=', StringComparison.Ordinal);
            if (takesNext && (i + 1 == args.Count || args[i + 1].StartsWith("--", StringComparison.Ordinal)))
            {
                yield return $"The argument '{args[i]}' has no value: write {args[i]}=VALUE.";
            }
            else if (Fault(args[i]) is { } fault)
            {
                yield return fault;
            }
            else if (takesNext)
            {
                i++;
            }
        }
    }

    private static string? Fault(string arg)
    {
        if (!arg.StartsWith("--", StringComparison.Ordinal))
        {
            return $"The argument '{arg}' is not understood: settings are given as --Section:Key=value.";
        }

        var key = arg[2..].Split('=', 2)[0];
        var section = key.Split(':', 2)[0];
        var isKnown = Sections.Contains(section, StringComparer.OrdinalIgnoreCase) || key.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase);
        return isKnown ? null : $"{key} is not a setting: those of the command line begin with {string.Join(", ", Sections.Select(name => name + ":"))} or OTEL_.";
    }
}
