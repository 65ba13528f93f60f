namespace OrleansEdge.Hosting.Startup;

/// <summary>The process cannot start; the message is what a person is told, one sentence per line.</summary>
public sealed class StartFaultException : Exception
{
    /// <summary>Exit code where a setting is at fault.</summary>
    public const int BadSettings = 2;

    /// <summary>Exit code where the surroundings are: a port, a file, a directory.</summary>
    public const int CannotRun = 1;

    /// <summary>One fault of the surroundings.</summary>
    public StartFaultException(string message, Exception? inner = null)
        : base(message, inner) => ExitCode = CannotRun;

    /// <summary>Faults of the settings, all of them.</summary>
    public StartFaultException(IEnumerable<string> settingFaults)
        : base(string.Join(Environment.NewLine, settingFaults)) => ExitCode = BadSettings;

    /// <summary>For the shell.</summary>
    public int ExitCode { get; }
}
