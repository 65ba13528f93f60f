using System.Collections;
using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace OrleansEdge.Hosting.Settings;

/// <summary>A section, a list or a value.</summary>
internal sealed class SettingsNode(Type? type)
{
    private readonly SortedDictionary<string, SettingsNode> _children = new(StringComparer.OrdinalIgnoreCase);

    public Type? Type { get; private set; } = type;

    public SettingsNode? Item { get; private set; }

    /// <summary>The default as text.</summary>
    public string? Default { get; private set; }

    public bool IsList => Item is not null;

    public bool IsLeaf => Type is not null;

    public SettingsNode At(string path)
    {
        var node = this;
        foreach (var name in path.Split(':'))
        {
            node = node._children.TryGetValue(name, out var child) ? child : node._children[name] = new(null);
        }

        return node;
    }

    public SettingsNode? Child(string name)
    {
        if (IsList)
        {
            return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? Item : null;
        }

        return _children.GetValueOrDefault(name);
    }

    public void SetType(Type type, object? value)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        Default = value is TimeSpan time ? SettingsTime.Format(time) : Convert.ToString(value, CultureInfo.InvariantCulture);
        if (type == typeof(string) || type.IsValueType || TypeDescriptor.GetConverter(type).CanConvertFrom(typeof(string)))
        {
            Type = type;
        }
        else if (ElementType(type) is { } element)
        {
            Item = new(null);
            Item.SetType(element, null);
        }
        else
        {
            AddProperties(type);
        }
    }

    public void AddProperties(Type type)
    {
        var defaults = Activator.CreateInstance(type);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.SetMethod is { IsPublic: true } || ElementType(property.PropertyType) is not null)
            {
                At(property.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name ?? property.Name)
                    .SetType(property.PropertyType, property.GetValue(defaults));
            }
        }
    }

    public IEnumerable<string> Keys(string path)
    {
        if (IsList)
        {
            return Item!.Keys(path + ":[]");
        }

        return IsLeaf ? [path] : _children.SelectMany(child => child.Value.Keys(path.Length == 0 ? child.Key : $"{path}:{child.Key}"));
    }

    private static Type? ElementType(Type type)
    {
        if (type == typeof(string) || !typeof(IEnumerable).IsAssignableFrom(type))
        {
            return null;
        }

        return type.IsArray ? type.GetElementType() : type.GenericTypeArguments.FirstOrDefault();
    }
}
