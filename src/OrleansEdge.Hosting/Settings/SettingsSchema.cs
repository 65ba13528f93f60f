using System.ComponentModel;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace OrleansEdge.Hosting.Settings;

/// <summary>The settings that exist, taken from the options classes that they bind to, so that a misspelt key or a value that
/// does not fit is found before anything starts. Not thread safe while it is being built.</summary>
public sealed partial class SettingsSchema
{
    private readonly SettingsNode _root = new(null);

    /// <summary>All settings, e.g. <c>Edge:Drain:Window</c>; <c>[]</c> stands for the index of a list.</summary>
    public IEnumerable<string> Keys => _root.Keys("");

    /// <summary>Every public property of <typeparamref name="T"/> that can be set is a setting of the section.</summary>
    public SettingsSchema Section<T>(string path) => Section(path, typeof(T));

    /// <summary>Every public property of a class of options that can be set is a setting of the section.</summary>
    /// <param name="path">The section; several classes may share one.</param>
    /// <param name="options">The class; it has a constructor without parameters, which makes the defaults.</param>
    public SettingsSchema Section(string path, Type options)
    {
        _root.At(path).AddProperties(options);
        return this;
    }

    /// <summary>Compares a configuration with the schema.</summary>
    /// <param name="configuration">What was set.</param>
    /// <param name="section">The section that must hold nothing unknown.</param>
    public SettingsVerdict Check(IConfiguration configuration, string section)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var verdict = new SettingsVerdict();
        Check(configuration.GetSection(section), _root.At(section), verdict);
        return verdict;
    }

    private void Check(IConfigurationSection given, SettingsNode known, SettingsVerdict verdict)
    {
        if (known.Item is { IsLeaf: true } && given.Value is { } list && !given.GetChildren().Any())
        {
            ExpandList(given.Path, list, known, verdict);
        }
        else if (known.IsLeaf)
        {
            CheckLeaf(given, known, verdict);
        }
        else
        {
            CheckChildren(given, known, verdict);
        }
    }

    private void CheckChildren(IConfigurationSection given, SettingsNode known, SettingsVerdict verdict)
    {
        if (!string.IsNullOrEmpty(given.Value))
        {
            verdict.Faults.Add($"{given.Path} is a group of settings and takes no value.");
        }

        foreach (var child in given.GetChildren())
        {
            if (known.Child(child.Key) is { } node)
            {
                Check(child, node, verdict);
            }
            else
            {
                verdict.Faults.Add(Unknown(child.Path));
            }
        }
    }

    /// <summary>A list may be given as one value with commas, as environment variables want it.</summary>
    private static void ExpandList(string path, string list, SettingsNode known, SettingsVerdict verdict)
    {
        var items = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < items.Length; i++)
        {
            var item = string.Create(CultureInfo.InvariantCulture, $"{path}:{i}");
            verdict.Normalized[item] = items[i];
            CheckValue(item, items[i], known.Item!, verdict);
        }
    }

    private static void CheckLeaf(IConfigurationSection given, SettingsNode known, SettingsVerdict verdict)
    {
        if (given.GetChildren().Any())
        {
            verdict.Faults.Add($"{given.Path} takes one value, not a group of settings.");
        }
        else if (given.Value is { } value)
        {
            CheckValue(given.Path, value, known, verdict);
        }
    }

    private static void CheckValue(string path, string value, SettingsNode known, SettingsVerdict verdict)
    {
        if (Fault(value, known.Type!) is { } fault)
        {
            verdict.Faults.Add($"{path} is '{value}', which is not {fault}.");
            verdict.Normalized[path] = known.Default;
        }
        else if (known.Type == typeof(TimeSpan))
        {
            verdict.Normalized[path] = SettingsTime.Format(SettingsTime.Parse(value)!.Value);
        }
    }

    private static string? Fault(string value, Type type)
    {
        if (type == typeof(string))
        {
            return null;
        }

        if (type == typeof(TimeSpan))
        {
            return SettingsTime.Parse(value) is null ? "a time: write seconds (20, 0.5) or hh:mm:ss (00:00:20)" : null;
        }

        if (type.IsEnum)
        {
            return Enum.TryParse(type, value, ignoreCase: true, out var parsed) && Enum.IsDefined(type, parsed)
                ? null
                : $"one of {string.Join(", ", Enum.GetNames(type).Select(name => name.ToLowerInvariant()))}";
        }

        return TypeDescriptor.GetConverter(type).IsValid(value) ? null : Describe(type);
    }

    private static string Describe(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => "true or false",
        TypeCode.Int32 or TypeCode.Int64 or TypeCode.UInt16 => "a whole number in its range",
        TypeCode.Double => "a number",
        _ => $"a {type.Name}",
    };

    private string Unknown(string path)
    {
        var asPattern = IndexSegment().Replace(path, ":[]");
        var nearest = Keys.MinBy(key => Distance(key, asPattern));
        return $"{path} is not a setting; the nearest one is {nearest}.";
    }

    /// <summary>Levenshtein distance without regard to case.</summary>
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replace = diagonal + (char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[^1];
    }

    [GeneratedRegex(":[0-9]+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex IndexSegment();
}

/// <summary>What a check of the settings found.</summary>
public sealed class SettingsVerdict
{
    /// <summary>One sentence per fault.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>Values in the form that the configuration binder reads as it was meant: seconds as times, lists by index. A value
    /// that does not fit is its default here, so that the other settings can be checked as well.</summary>
    public Dictionary<string, string?> Normalized { get; } = new(StringComparer.OrdinalIgnoreCase);
}
