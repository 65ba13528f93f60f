using System.Text;

namespace OrleansEdge.Relay.Transport;

/// <summary>Decodes <c>Connection</c> so that the names in it survive. Kestrel replaces the whole field by <c>close</c>,
/// <c>keep-alive</c> or <c>Upgrade</c> where that is the only option in it that it knows, and so hides the hop-by-hop fields that the
/// client named and a proxy must remove (RFC 9110 section 7.6.1). With two options that it knows it leaves the field alone: hence
/// <c>close</c> and <c>Upgrade</c> get <c>keep-alive</c> beside them, which HTTP/1.1 implies and <c>close</c> overrules, and
/// <c>keep-alive</c> itself goes where other names remain. Thread safe.</summary>
internal sealed class ConnectionFieldEncoding : Encoding
{
    public static readonly ConnectionFieldEncoding Instance = new();

    private const string KeepAlive = "keep-alive";

    private ConnectionFieldEncoding()
    {
    }

    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex)
        => Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) => Decode(bytes, index, count).Length;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        var field = Decode(bytes, byteIndex, byteCount);
        field.CopyTo(0, chars, charIndex, field.Length);
        return field.Length;
    }

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => byteCount + KeepAlive.Length + 2;

    private static string Decode(byte[] bytes, int index, int count)
    {
        var field = Latin1.GetString(bytes, index, count);
        var options = field.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (options.Length < 2 && !options.Any(IsCloseOrUpgrade))
        {
            return field;
        }

        var others = options.Where(static option => !option.Equals(KeepAlive, StringComparison.OrdinalIgnoreCase)).ToArray();
        return others.Length == 0 ? KeepAlive : string.Join(", ", others.Any(IsCloseOrUpgrade) ? others.Append(KeepAlive) : others);
    }

    private static bool IsCloseOrUpgrade(string option)
        => option.Equals("close", StringComparison.OrdinalIgnoreCase) || option.Equals("upgrade", StringComparison.OrdinalIgnoreCase);
}
