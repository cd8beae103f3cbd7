<?php

declare(strict_types=1);

namespace Rrts\KeyValue;

/** PHP's own format, which spiral/roadrunner-kv writes too. Whoever can write to the storage can make objects of the allowed classes. */
final class PhpSerializer implements SerializerInterface
{
    private const WRITTEN_FALSE = 'b:0;';

    /** @param bool|list<class-string> $allowedClasses true for all; objects of other classes become __PHP_Incomplete_Class */
    public function __construct(private readonly bool|array $allowedClasses = true) {}

    public function serialize(mixed $value): string
    {
        return \serialize($value);
    }

    /** @throws \UnexpectedValueException when the bytes are of another format */
    public function unserialize(string $bytes): mixed
    {
        $value = @\unserialize($bytes, ['allowed_classes' => $this->allowedClasses]);
        if ($value === false && $bytes !== self::WRITTEN_FALSE) {
            throw new \UnexpectedValueException('These bytes are not in the format of serialize().');
        }

        return $value;
    }
}
