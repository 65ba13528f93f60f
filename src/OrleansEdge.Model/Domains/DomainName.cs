using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansEdge.Model;

/// <summary>Names of domains: how they are compared and which ones can be served. Thread safe.</summary>
public static class DomainName
{
    /// <summary>Most characters of a name (RFC 1035 section 2.3.4, in text).</summary>
    public const int MaxLength = 253;

    internal const string WildcardPrefix = "*.";

    private const int MaxLabelLength = 63;

    private static readonly IdnMapping Idn = new();

    /// <summary>The form in which names are compared: ASCII lower case, IDN in punycode, without a trailing dot and without the
    /// brackets of an IPv6 literal.</summary>
    /// <param name="host">A host name without a port. A name that is already in this form is returned as it is, without allocating.</param>
    /// <returns>Never fails: what is no name at all comes back in lower case and is served by no domain.</returns>
    public static string Normalize(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return IsNormal(host) ? host : NormalizeSlowly(host);
    }

    /// <summary>Says what is wrong with the name of a domain: a DNS name, <c>*.</c> and a DNS name, a single label such as
    /// <c>localhost</c>, or an IP literal. The name need not be normalised.</summary>
    /// <returns><see langword="null"/> where the name can be served.</returns>
    public static string? Validate(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!name.StartsWith(WildcardPrefix, StringComparison.Ordinal))
        {
            return name == "*" ? "a wildcard covers the names below a domain: write *.example.com" : ValidateHost(name);
        }

        var below = name[WildcardPrefix.Length..];
        return TryParseAddress(below, out _) ? $"{Quote(name)}: nothing is below an IP address" : ValidateHost(below);
    }

    /// <summary>Says what is wrong with a host: a DNS name or an IP literal, without wildcard.</summary>
    internal static string? ValidateHost(string host)
    {
        if (host.Length == 0)
        {
            return "is empty";
        }

        return TryParseAddress(host, out _) ? null : ValidateDnsName(host);
    }

    /// <summary>Says what is wrong with a DNS name that is no IP literal.</summary>
    internal static string? ValidateDnsName(string name)
    {
        if (FindForeignPart(name) is { } foreign)
        {
            return $"{Quote(name)} is not a host name: leave out the {foreign}";
        }

        if (FindUnmappable(name) is { } rune)
        {
            return $"{Quote(name)} holds U+{rune.Value:X4}, which has no single form in a host name: write the name in punycode (xn--)";
        }

        return ValidateLabels(name, Normalize(name));
    }

    /// <summary>Reads an IP literal; IPv4 only as four decimal numbers, IPv6 with or without brackets.</summary>
    internal static bool TryParseAddress(string text, out IPAddress address)
    {
        address = IPAddress.None;
        var bare = text is ['[', .., ']'] ? text[1..^1] : text;
        if (bare.Contains(':'))
        {
            return IPAddress.TryParse(bare, out address!) && address.AddressFamily == AddressFamily.InterNetworkV6
                && !bare.Contains('%') && !bare.Contains('[');
        }

        // IPAddress also reads 1, 0x7f.1 and 010.0.0.1, which mean different things to different programs.
        return bare.Length == text.Length && IPAddress.TryParse(bare, out address!) && address.ToString() == bare;
    }

    internal static string Quote(string text) => $"\"{Shorten(text)}\"";

    internal static string Shorten(string text) => text.Length <= 100 ? text : $"{text[..100]}…";

    private static bool IsNormal(string host)
    {
        foreach (var c in host)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('-' or '.' or '_' or '*'))
            {
                return false;
            }
        }

        return host is not [.., '.'];
    }

    private static string NormalizeSlowly(string host)
    {
        if (host.Contains(':'))
        {
            return TryParseAddress(host, out var address) ? address.ToString() : host.ToLowerInvariant();
        }

        var name = host is [.., '.'] ? host[..^1] : host;
        if (Ascii.IsValid(name) || name.Length > MaxLength)
        {
            return name.ToLowerInvariant();
        }

        var wildcard = name.StartsWith(WildcardPrefix, StringComparison.Ordinal) ? WildcardPrefix : "";
        return wildcard + ToPunycode(name[wildcard.Length..].ToLowerInvariant());
    }

    private static string ToPunycode(string name)
    {
        try
        {
            return Idn.GetAscii(name);
        }
        catch (ArgumentException)
        {
            return name;
        }
    }

    private static string? FindForeignPart(string name)
    {
        if (name.Contains("://", StringComparison.Ordinal))
        {
            return "scheme";
        }

        if (name.Contains('/'))
        {
            return "path";
        }

        var colon = name.LastIndexOf(':');
        return colon >= 0 && int.TryParse(name.AsSpan(colon + 1), NumberStyles.None, null, out _)
            && ValidateHost(name[..colon]) is null ? "port" : null;
    }

    // With invariant globalization there are no tables to compose or fold characters, so only what needs neither is taken.
    private static Rune? FindUnmappable(string name)
    {
        foreach (var rune in name.EnumerateRunes())
        {
            if (!rune.IsAscii && !IsPlainInHostNames(rune))
            {
                return rune;
            }
        }

        return null;
    }

    private static bool IsPlainInHostNames(Rune rune)
        => rune.Value is not (>= 0x0300 and <= 0x036F) and not (>= 0xF900 and <= 0xFAFF) and not (>= 0xFB00 and <= 0xFFEF)
            && Rune.GetUnicodeCategory(rune) is UnicodeCategory.LowercaseLetter or UnicodeCategory.UppercaseLetter
                or UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.DecimalDigitNumber
                or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    private static string? ValidateLabels(string written, string name)
    {
        if (name.Length > MaxLength)
        {
            return $"has {name.Length} characters, {MaxLength} is the most";
        }

        var labels = name.Split('.');
        foreach (var label in labels)
        {
            if (ValidateLabel(label) is { } fault)
            {
                return $"{Quote(written)} is not a host name: {fault}";
            }
        }

        return labels[^1].All(char.IsAsciiDigit) ? $"{Quote(written)} is neither an IPv4 address nor a host name" : null;
    }

    private static string? ValidateLabel(string label)
    {
        if (label.Length is 0 or > MaxLabelLength)
        {
            return label.Length == 0 ? "a label between two dots is empty" : $"a label is longer than {MaxLabelLength} characters";
        }

        foreach (var c in label)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return char.IsControl(c) ? "it holds a control character" : $"it holds '{c}'";
            }
        }

        return char.IsAsciiLetterOrDigit(label[0]) && char.IsAsciiLetterOrDigit(label[^1])
            ? null
            : "a label begins and ends with a letter or a digit";
    }
}
