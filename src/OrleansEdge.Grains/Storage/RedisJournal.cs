using System.Security.Cryptography;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Storage;

/// <summary>State of which only little changes at a time: a Redis list whose first element is a base and whose others were appended to
/// it. Each element begins with a random token; a write names the token of the last element that this object knows, and fails where
/// somebody else has written or the store went back. Not thread safe.</summary>
internal sealed class RedisJournal(IDatabaseAsync redis, RedisKey key)
{
    private const int TokenBytes = 16;

    // KEYS: the list. ARGV: the expected token of its last element ("": there is none), "replace" or "append", the element.
    private const string Script = """
        local last = redis.call('LINDEX', KEYS[1], -1)
        local token = last and string.sub(last, 1, 16) or ''
        if token ~= ARGV[1] then return 0 end
        if ARGV[2] == 'replace' then redis.call('DEL', KEYS[1]) end
        redis.call('RPUSH', KEYS[1], ARGV[3])
        return 1
        """;

    // The same, without a write.
    private const string IsCurrentScript = """
        local last = redis.call('LINDEX', KEYS[1], -1)
        local token = last and string.sub(last, 1, 16) or ''
        return token == ARGV[1] and 1 or 0
        """;

    private byte[] _last = [];

    /// <summary>Elements in the list, as far as this object knows.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the elements after the first.</summary>
    public long AppendedBytes { get; private set; }

    /// <summary>Bytes of the first element.</summary>
    public long BaseBytes { get; private set; }

    /// <summary>Reads everything, oldest first.</summary>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> LoadAsync()
    {
        var elements = await redis.ListRangeAsync(key);
        (Count, BaseBytes, AppendedBytes) = (0, 0, 0);
        var payloads = new List<ReadOnlyMemory<byte>>(elements.Length);
        foreach (var element in elements)
        {
            var bytes = (byte[])element!;
            _last = bytes[..TokenBytes];
            payloads.Add(bytes.AsMemory(TokenBytes));
            NoteElement(bytes.Length);
        }

        _last = elements.Length == 0 ? [] : _last;
        return payloads;
    }

    /// <summary>Whether the list ends as this object knows it; reads no element.</summary>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public async Task<bool> IsCurrentAsync() => (int)await redis.ScriptEvaluateAsync(IsCurrentScript, [key], [_last]) == 1;

    /// <summary>Appends an element.</summary>
    /// <returns>False: the list is not as this object knows it; nothing was written.</returns>
    /// <exception cref="RedisException">It is not known whether it was written: load again.</exception>
    public Task<bool> TryAppendAsync(ReadOnlyMemory<byte> payload) => TryWriteAsync("append", payload);

    /// <summary>Puts one element in the place of all.</summary>
    /// <returns>As for <see cref="TryAppendAsync"/>.</returns>
    public async Task<bool> TryReplaceAsync(ReadOnlyMemory<byte> payload)
    {
        var isWritten = await TryWriteAsync("replace", payload);
        if (isWritten)
        {
            (Count, BaseBytes, AppendedBytes) = (0, 0, 0);
            NoteElement(TokenBytes + payload.Length);
        }

        return isWritten;
    }

    private async Task<bool> TryWriteAsync(string how, ReadOnlyMemory<byte> payload)
    {
        var element = new byte[TokenBytes + payload.Length];
        RandomNumberGenerator.Fill(element.AsSpan(0, TokenBytes));
        payload.CopyTo(element.AsMemory(TokenBytes));
        var written = (int)await redis.ScriptEvaluateAsync(Script, [key], [_last, how, element]) == 1;
        if (written)
        {
            _last = element[..TokenBytes];
            if (how == "append")
            {
                NoteElement(element.Length);
            }
        }

        return written;
    }

    private void NoteElement(int bytes)
    {
        if (Count == 0)
        {
            BaseBytes = bytes;
        }
        else
        {
            AppendedBytes += bytes;
        }

        Count++;
    }
}
