using System.Buffers;
using System.Text;

namespace OrleansEdge.Relay.Origins;

/// <summary>One pooled buffer: first for the head of a request, then for what the origin answers. It is rented when something is put
/// in and grows as needed. Owned by one reader at a time; dispose gives the memory back.</summary>
internal sealed class HeadBuffer : IDisposable
{
    private const int LeastSize = 4096;

    private byte[] _bytes = [];
    private int _start;
    private int _end;

    /// <summary>What is in the buffer.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(_start, _end - _start);

    /// <inheritdoc cref="Memory"/>
    public ReadOnlySpan<byte> Span => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Whether nothing is in the buffer.</summary>
    public bool IsEmpty => _start == _end;

    /// <summary>Free memory behind the content, at least one byte.</summary>
    public Memory<byte> Free => FreeFor(1);

    /// <summary>Free memory behind the content.</summary>
    public Memory<byte> FreeFor(int least)
    {
        Reserve(least);
        return _bytes.AsMemory(_end);
    }

    /// <summary>Takes bytes written into <see cref="Free"/>.</summary>
    public void Advance(int count) => _end += count;

    /// <summary>Drops bytes from the front.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            Clear();
        }
    }

    /// <summary>Drops everything.</summary>
    public void Clear() => _start = _end = 0;

    /// <summary>Appends text as the bytes that it came from: Latin-1; beyond that UTF-8.</summary>
    public void Append(string text)
    {
        var encoding = text.AsSpan().ContainsAnyExceptInRange('\0', '\u00FF') ? Encoding.UTF8 : Encoding.Latin1;
        Reserve(encoding.GetMaxByteCount(text.Length));
        _end += encoding.GetBytes(text, _bytes.AsSpan(_end));
    }

    /// <summary>Appends <c>name: value</c> and the end of the line.</summary>
    public void AppendField(string name, string value)
    {
        Append(name);
        Append(": ");
        Append(value);
        Append("\r\n");
    }

    /// <summary>Drops everything and gives the memory back until something is put in again.</summary>
    public void Dispose()
    {
        Clear();
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - _end >= count)
        {
            return;
        }
        var length = _end - _start;
        if (_bytes.Length - length >= count)
        {
            _bytes.AsSpan(_start, length).CopyTo(_bytes);
        }
        else
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(length + count, _bytes.Length * 2), LeastSize));
            Span.CopyTo(larger);
            if (_bytes.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(_bytes);
            }
            _bytes = larger;
        }
        (_start, _end) = (0, length);
    }
}
