using System.Buffers;
using System.Text;

namespace OrleansEdge.Relay.Origins;

/// <summary>One pooled buffer: first for the head of a request, then for what the origin answers. It grows as needed. Owned by one
/// reader at a time; dispose gives the memory back.</summary>
internal sealed class HeadBuffer : IDisposable
{
    private const int FirstSize = 4096;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstSize);
    private int _start;
    private int _end;

    /// <summary>What is in the buffer.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(_start, _end - _start);

    /// <inheritdoc cref="Memory"/>
    public ReadOnlySpan<byte> Span => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Free memory behind the content, at least one byte.</summary>
    public Memory<byte> Free
    {
        get
        {
            Reserve(1);
            return _bytes.AsMemory(_end);
        }
    }

    /// <summary>Takes bytes written into <see cref="Free"/>.</summary>
    public void Advance(int count) => _end += count;

    /// <summary>Drops bytes from the front.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            _start = _end = 0;
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

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
            Clear();
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
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(length + count, _bytes.Length * 2));
            _bytes.AsSpan(_start, length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
        (_start, _end) = (0, length);
    }
}
