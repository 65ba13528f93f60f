using System.Text.Json;

namespace OrleansEdge.Model;

/// <summary>Reads the members of one JSON object, and notes every fault with its path. A member that has a fault is read as its
/// default, so that reading goes on. Not thread safe.</summary>
internal sealed class ObjectReader
{
    private const int MaxDecimalDigits = 28;

    private readonly DocumentFaults _faults;
    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly bool _isObject;

    public ObjectReader(JsonElement? element, string path, DocumentFaults faults)
    {
        Path = path;
        _faults = faults;
        if (element is { ValueKind: JsonValueKind.Object } members)
        {
            _isObject = true;
            ReadMembers(members);
        }
        else if (element is { } other)
        {
            faults.Add(path, $"must be an object, not {KindOf(other)}");
        }
    }

    public string Path { get; }

    public void Fault(string name, string message) => _faults.Add(DocumentFaults.Join(Path, name), message);

    public void FaultAt(string path, string message) => _faults.Add(path, message);

    /// <summary>Says that a document stands under a name that is not its own.</summary>
    public static string? Mismatch(string own, string? expected, Func<string, string> normalize)
        => expected is null || normalize(expected) == own
            ? null
            : $"{DomainName.Quote(own)} is not the name under which the document stands, {DomainName.Quote(expected)}";

    /// <summary>A member that must be there and be text; null where it has a fault.</summary>
    public string? RequiredText(string name)
    {
        if (TryTake(name, out var element))
        {
            return ReadText(element, DocumentFaults.Join(Path, name));
        }

        // An object that is not one has that fault, and none for each member.
        if (_isObject)
        {
            Fault(name, "is missing");
        }

        return null;
    }

    /// <summary>A member that is text where it is there; null where it is missing or has a fault.</summary>
    public string? Text(string name)
        => TryTake(name, out var element) ? ReadText(element, DocumentFaults.Join(Path, name)) : null;

    /// <summary>A member that is text, or null or missing.</summary>
    public string? OptionalText(string name)
        => TryTake(name, out var element) && element.ValueKind != JsonValueKind.Null
            ? ReadText(element, DocumentFaults.Join(Path, name))
            : null;

    public bool? Flag(string name)
    {
        if (!TryTake(name, out var element))
        {
            return null;
        }

        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return element.GetBoolean();
        }

        Fault(name, $"must be true or false, not {KindOf(element)}");
        return null;
    }

    public int Whole(string name, int byDefault, int least, int most) => (int)Whole(name, byDefault, least, (long)most);

    public long Whole(string name, long byDefault, long least, long most)
        => TryTake(name, out var element) ? ReadWhole(element, DocumentFaults.Join(Path, name), least, most) ?? byDefault : byDefault;

    /// <summary>Whether a member is there that must be; that it is missing is a fault.</summary>
    public bool Requires(string name)
    {
        _known.Add(name);
        if (_members.ContainsKey(name))
        {
            return true;
        }

        if (_isObject)
        {
            Fault(name, "is missing");
        }

        return false;
    }

    /// <summary>A member that is one of the words of an enumeration, in lower case.</summary>
    public TEnum Word<TEnum>(string name, TEnum byDefault)
        where TEnum : struct, Enum
    {
        if (!TryTake(name, out var element) || ReadText(element, DocumentFaults.Join(Path, name)) is not { } text)
        {
            return byDefault;
        }

        foreach (var value in Enum.GetValues<TEnum>())
        {
            if (WordOf(value) == text)
            {
                return value;
            }
        }

        Fault(name, $"{DomainName.Quote(text)} is not one of {string.Join(", ", Enum.GetValues<TEnum>().Select(WordOf))}");
        return byDefault;
    }

    /// <summary>A member that is an object; where it is missing, a reader without members.</summary>
    public ObjectReader Object(string name)
        => new(TryTake(name, out var element) ? element : null, DocumentFaults.Join(Path, name), _faults);

    /// <summary>The items of a member that is an array; none where it is missing.</summary>
    public IReadOnlyList<T> Items<T>(string name, int most, Func<JsonElement, string, T> read)
    {
        if (!TryTake(name, out var element))
        {
            return [];
        }

        if (element.ValueKind != JsonValueKind.Array)
        {
            Fault(name, $"must be an array, not {KindOf(element)}");
            return [];
        }

        if (element.GetArrayLength() > most)
        {
            Fault(name, $"has {element.GetArrayLength()} items, {most} is the most");
            return [];
        }

        var path = DocumentFaults.Join(Path, name);
        return [.. element.EnumerateArray().Select((item, index) => read(item, $"{path}[{index}]"))];
    }

    /// <summary>The items of a member that must be an array of at least one.</summary>
    public IReadOnlyList<T> RequiredItems<T>(string name, int most, Func<JsonElement, string, T> read)
    {
        var found = _members.TryGetValue(name, out var element);
        if (!found && _isObject)
        {
            Fault(name, "is missing");
        }
        else if (found && element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == 0)
        {
            Fault(name, "is empty: at least one is needed");
        }

        return Items(name, most, read);
    }

    /// <summary>The items of a member that is an array of texts, each checked by a rule that gives the fault or null.</summary>
    public IReadOnlyList<string> Texts(string name, int most, Func<string, string?> validate)
        => Items(name, most, (item, path) =>
        {
            var text = ReadText(item, path);
            if (text is not null && validate(text) is { } fault)
            {
                _faults.Add(path, fault);
            }

            return text ?? "";
        });

    public long? ReadWhole(JsonElement element, string path, long least, long most)
    {
        if (element.ValueKind != JsonValueKind.Number)
        {
            _faults.Add(path, $"must be a whole number, not {KindOf(element)}");
            return null;
        }

        var written = element.GetRawText();
        if (element.TryGetDecimal(out var number) && (decimal.Truncate(number) != number || IsRounded(written)))
        {
            _faults.Add(path, $"{DomainName.Shorten(written)} is not a whole number");
            return null;
        }

        // What a decimal cannot hold is beyond every bound.
        var isBig = number == 0 && !element.TryGetDecimal(out _);
        if (number < least || (isBig && written.StartsWith('-')))
        {
            _faults.Add(path, $"{DomainName.Shorten(written)} is under {least}");
            return null;
        }

        if (number > most || isBig)
        {
            _faults.Add(path, $"{DomainName.Shorten(written)} is over {most}");
            return null;
        }

        return (long)number;
    }

    /// <summary>Notes the members that nobody asked for.</summary>
    public void End()
    {
        foreach (var name in _members.Keys.Where(name => !_known.Contains(name)))
        {
            var meant = _known.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase));
            Fault(name, meant is null ? "is not a member that is known here" : $"is not a member that is known here: write \"{meant}\"");
        }
    }

    public static string WordOf<TEnum>(TEnum value)
        where TEnum : struct, Enum
        => value.ToString().ToLowerInvariant();

    private void ReadMembers(JsonElement members)
    {
        foreach (var member in members.EnumerateObject())
        {
            if (DocumentFaults.NameOf(member) is not { } name)
            {
                _faults.Add(Path, "has a member whose name is not text: an escape is half of a surrogate pair");
            }
            else if (!_members.TryAdd(name, member.Value))
            {
                Fault(name, "is there twice");
            }
        }
    }

    private bool TryTake(string name, out JsonElement element)
    {
        _known.Add(name);
        return _members.TryGetValue(name, out element);
    }

    private string? ReadText(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            _faults.Add(path, $"must be a string, not {KindOf(element)}");
            return null;
        }

        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            _faults.Add(path, "is not text: an escape is half of a surrogate pair");
            return null;
        }
    }

    // Digits beyond those of a decimal were lost in reading it.
    private static bool IsRounded(string written)
        => written.Length > MaxDecimalDigits || written.Contains("e-", StringComparison.OrdinalIgnoreCase);

    private static string KindOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
