using System.Collections.Immutable;
using System.Globalization;

namespace OrleansEdge.Model;

/// <summary>Pages of lists.</summary>
public static class Paging
{
    /// <summary>Most items of a page; a request that was not filled in asks for the usual number.</summary>
    public static int LimitOf(PageRequest page) => page.Limit == 0 ? PageRequest.DefaultLimit : Math.Clamp(page.Limit, 1, PageRequest.MaxLimit);

    /// <summary>Index of the first name after a cursor, which need not be in the list any more.</summary>
    public static int StartAfter(ImmutableSortedSet<string> names, string? after)
    {
        if (after is null)
        {
            return 0;
        }

        var index = names.IndexOf(after);
        return index < 0 ? ~index : index + 1;
    }

    /// <summary>Reads a cursor that is a number from 1; none is 0.</summary>
    public static bool TryParseNumber(string? after, out long number)
    {
        number = 0;
        return after is null || (long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0);
    }

    /// <summary>One page of a list that is in no order.</summary>
    public static Page<T> Take<T>(IEnumerable<T> all, Func<T, string> cursor, PageRequest page)
    {
        var limit = LimitOf(page);
        var rest = all.Where(item => page.After is null || string.CompareOrdinal(cursor(item), page.After) > 0)
            .OrderBy(cursor, StringComparer.Ordinal)
            .Take(limit + 1)
            .ToList();
        return rest.Count > limit ? new(rest[..limit], cursor(rest[limit - 1])) : new(rest, null);
    }
}
