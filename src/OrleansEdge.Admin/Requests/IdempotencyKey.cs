using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Answers;

namespace OrleansEdge.Admin.Requests;

/// <summary>The header <c>Idempotency-Key</c>: under one key an order is carried out once, however often it is sent.</summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    /// <summary>Most characters of a key.</summary>
    public const int MaxLength = 255;

    /// <summary>Reads the key, as it is or as a string in quotes (RFC 9651 section 3.3.3, which the IETF's draft of the header asks for).
    /// Both are the same key.</summary>
    public static Problem? TryRead(IHeaderDictionary headers, out string key)
    {
        key = "";
        var values = headers[Header];
        if (values.Count == 0)
        {
            return Problem.BadRequest("idempotency_key_missing", $"The request needs a header {Header} with a value of its own, so that it can be repeated safely.");
        }

        if (values.Count > 1)
        {
            return Refuse("is given more than once");
        }

        var text = values.ToString();
        if (!text.StartsWith('"'))
        {
            key = text;
        }
        else if (!TryUnquote(text, out key!))
        {
            return Refuse("begins with a quote and is no string in quotes");
        }

        return key.Length is > 0 and <= MaxLength && key.All(IsVisible) ? null : Refuse($"is not 1 to {MaxLength} visible ASCII characters");
    }

    private static bool TryUnquote(string text, [NotNullWhen(true)] out string? content)
    {
        var characters = new StringBuilder(text.Length);
        content = null;
        for (var i = 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"':
                    content = characters.ToString();
                    return i == text.Length - 1;
                case '\\' when i + 1 < text.Length && text[i + 1] is '"' or '\\':
                    characters.Append(text[++i]);
                    break;
                case '\\':
                    return false;
                default:
                    characters.Append(text[i]);
                    break;
            }
        }

        return false;
    }

    private static bool IsVisible(char character) => character is >= '!' and <= '~';

    private static Problem Refuse(string rule) => Problem.BadRequest("header_invalid", $"{Header} {rule}.");
}
