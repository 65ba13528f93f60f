using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using OrleansEdge.Admin.Answers;

namespace OrleansEdge.Admin.Requests;

/// <summary>Entity tags: the version of a document in quotes, always strong (RFC 9110 section 8.8.3).</summary>
internal static class EntityTags
{
    /// <summary>Stands for a tag that no version has.</summary>
    public const long NoVersion = 0;

    public static string Format(long version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    /// <summary>The version that a tag names, or <see cref="NoVersion"/>.</summary>
    public static long VersionOf(EntityTagHeaderValue tag)
    {
        var text = tag.Tag.AsSpan().Trim('"');
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) && tag.Tag.Equals(Format(version), StringComparison.Ordinal)
            ? version
            : NoVersion;
    }

    /// <summary>Reads a header of one or more tags, or <c>*</c> alone.</summary>
    /// <param name="header">The header, which is there.</param>
    /// <param name="tags">The tags; <see cref="EntityTagHeaderValue.Any"/> alone for <c>*</c>.</param>
    public static bool TryRead(StringValues header, out IList<EntityTagHeaderValue> tags)
        => EntityTagHeaderValue.TryParseStrictList(header, out tags!)
        && tags.Count > 0
        && (tags.Count == 1 || !tags.Any(EntityTagHeaderValue.Any.Equals));

    /// <summary>The problem of a conditional header that cannot be used.</summary>
    public static Problem Refuse(string header, string rule) => Problem.BadRequest("header_invalid", $"{header} {rule}.");
}

/// <summary>Conditions of a read (RFC 9110 section 13).</summary>
internal static class ReadCondition
{
    /// <summary>The status of the answer: 200, 304 or 412; or the problem of a header.</summary>
    public static Problem? TryEvaluate(IHeaderDictionary headers, long version, out int status)
    {
        status = StatusCodes.Status200OK;
        if (headers.IfMatch.Count > 0)
        {
            if (!EntityTags.TryRead(headers.IfMatch, out var tags))
            {
                return EntityTags.Refuse(HeaderNames.IfMatch, "is not a list of entity tags");
            }

            if (!tags.Any(tag => !tag.IsWeak && Names(tag, version)))
            {
                return new Problem(StatusCodes.Status412PreconditionFailed, "precondition_failed", $"The version is {version}.");
            }
        }

        if (headers.IfNoneMatch.Count > 0)
        {
            if (!EntityTags.TryRead(headers.IfNoneMatch, out var tags))
            {
                return EntityTags.Refuse(HeaderNames.IfNoneMatch, "is not a list of entity tags");
            }

            status = tags.Any(tag => Names(tag, version)) ? StatusCodes.Status304NotModified : status;
        }

        return null;
    }

    private static bool Names(EntityTagHeaderValue tag, long version)
        => tag.Equals(EntityTagHeaderValue.Any) || EntityTags.VersionOf(tag) == version;
}
