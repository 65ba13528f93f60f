namespace OrleansEdge.Standalone.Usage;

/// <summary>A file of the ledger is not what was written. The message is one sentence for the operator.</summary>
internal sealed class UsageDamageException : IOException
{
    public UsageDamageException(string path, string what, Exception? innerException = null)
        : base($"The usage file {path} is damaged: {what}. Restore it from a copy.", innerException)
    {
    }
}
