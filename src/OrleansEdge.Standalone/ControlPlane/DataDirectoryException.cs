using OrleansEdge.Hosting.Startup;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The data directory cannot be used. The message is one sentence for the operator; the process cannot start.</summary>
public sealed class DataDirectoryException : StartFaultException
{
    /// <summary>States why.</summary>
    public DataDirectoryException(string message, Exception? innerException = null)
        : base($"{message.TrimEnd('.')}. Choose another with --Edge:DataDirectory=PATH.", innerException)
    {
    }
}
