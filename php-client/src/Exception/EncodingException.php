<?php

declare(strict_types=1);

namespace Rrts\Exception;

/** A value that MessagePack cannot carry: an object of a class, a resource, or arrays nested too deeply. */
final class EncodingException extends \InvalidArgumentException implements RrtsException
{
    /** @param string $path where in the whole value, such as [2]["name"]; '' for the value itself */
    public function __construct(public readonly string $problem, public readonly string $path = '')
    {
        parent::__construct(($path === '' ? '' : "at {$path}: ") . $problem);
    }

    /** The same, seen from the array that has the value under this key. */
    public function under(int|string $key): self
    {
        return new self($this->problem, (\is_int($key) ? "[{$key}]" : '["' . \addcslashes(\substr($key, 0, 64), "\0..\37\"\\\177..\377") . '"]') . $this->path);
    }
}
