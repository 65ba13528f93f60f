using OrleansEdge.Hosting.Startup;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The data directory cannot be used. The message is one sentence for the operator; the process cannot start.</summary>
public sealed class DataDirectoryException : Exception, IStartAdvice
{
    /// <summary>States why.</summary>
    public DataDirectoryException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public string Advice => "Choose another with --Edge:DataDirectory=PATH.";
}
