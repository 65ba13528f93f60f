namespace OrleansEdge.Grains.Storage;

/// <summary>What stands in Redis is not what was written there: nothing may be decided from it.</summary>
internal sealed class RedisDamageException(string key, string reason, Exception? inner = null)
    : IOException($"What Redis holds under {key} is damaged: {reason} Bring the key back from a backup.", inner);
