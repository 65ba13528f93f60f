namespace OrleansEdge.Grains.Storage;

/// <summary>What stands in Redis is not what was written there: nothing may be decided from it.</summary>
internal sealed class JournalDamageException(string key, string reason, Exception? inner = null)
    : IOException($"The journal {key} in Redis is damaged: {reason}. Bring the key back from a backup.", inner);
